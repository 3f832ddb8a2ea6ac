import Arenas
import PubSub

/// Segments that nothing is left of are removed, once what they alone say is written elsewhere.
extension SegmentLog {
    // MARK: Removal

    /// Removes oldest segments that nothing is left of; the newest stays, as it tells which sequence number comes next.
    func removeDeadSegments(_ settle: () -> Void) {
        while true {
            if upkeep.removal == nil {
                let since = clock() - configuration.idempotencyWindowMicroseconds
                let dead = state.withLock { state -> SealedSegment? in
                    guard let first = state.catalog.first, first.lastSequence < state.log.earliestSequence,
                        state.catalog.segments.count > 1 || !state.finished.isEmpty || state.activeBytes > 0
                    else { return nil }
                    // Its idempotency keys are still good, and there is room for them.
                    let keepsKeys = first.hasKeys(since: since)
                    return keepsKeys && state.fileBytes <= configuration.maximumBytes(state.retention) ? nil : first
                }
                guard let dead, keepSettings(of: dead), keepWaiting(behind: dead.lastSequence) else { return }
                upkeep.removal = (dead, awaitStaged())
                settle()
            }
            guard let removal = upkeep.removal, settled.rawValue >= removal.commit, health == .good else { return }
            do throws(StorageError) {
                try storage.remove(removal.segment.name.text)
                try storage.synchronizeDirectory()
            } catch {
                return noteFailure(error)
            }
            upkeep.removal = nil
            state.withLock { state in
                state.catalog.removeFirst()
                state.segmentsDeleted += 1
            }
        }
    }

    /// Writes anew what is known of topics that a segment says something of: their settings, and what they lost.
    /// - Returns: false where that has to wait.
    func keepSettings(of segment: SealedSegment) -> Bool {
        var names: [[UInt8]] = []
        do throws(StorageError) {
            names = try SegmentContents(storage: storage, identity: identity).names(in: segment)
        } catch {
            // Its index cannot be read; what it said of topics is gone with it.
            names = []
        }
        var start = 0
        while start < names.count {
            let batch = names[start..<min(start + 256, names.count)]
            let isDone = state.withLock { state -> Bool in
                let most = RecordHeader.storedBytes(topic: 255, message: TopicSettingsRecord.byteCount)
                guard state.health == .good, state.staging.freeBytes > most * batch.count else { return false }
                for name in batch {
                    guard let id = state.log.topics.find(name.span) else { continue }
                    let settings = state.log.settings(of: id)
                    guard settings.retention != nil || settings.lostThrough > 0 else { continue }
                    state.stage(.settings, name.span, settings)
                }
                return true
            }
            guard isDone else { return false }
            start += batch.count
            writerBell.ring()
        }
        return true
    }

    /// Has `settle` wait for all that was staged so far.
    /// - Returns: the commit that is waited for.
    func awaitStaged() -> UInt64 {
        upkeep.awaitedCommit = acknowledgesAtOnce ? 0 : state.withLock { $0.commits }
        return upkeep.awaitedCommit
    }

    /// Writes messages anew that wait and stand in a segment that goes.
    /// - Returns: false where that has to wait.
    private func keepWaiting(behind sequence: UInt64) -> Bool {
        defer { writerBell.ring() }
        return state.withLock { state in
            guard state.health == .good else { return false }
            var isDone = true
            var moved: [ScheduledMessage] = []
            var room = state.staging.freeBytes
            state.log.schedule.update(where: { $0.writtenBehind <= sequence }) { message in
                let byteCount = RecordHeader.storedBytes(
                    topic: TopicName.maximumBytes, message: ScheduledPayload.byteCount + message.bytes.count)
                guard byteCount <= room else { return isDone = false }
                room -= byteCount
                moved.append(message)
            }
            for message in moved { state.stage(message) }
            if !moved.isEmpty {
                state.commits += 1
                state.staging.endAppend(state.commits)
            }
            let newest = state.log.lastSequence
            let numbers = Set(moved.map(\.number))
            state.log.schedule.update(where: { numbers.contains($0.number) }) { $0.writtenBehind = newest }
            return isDone
        }
    }
}
