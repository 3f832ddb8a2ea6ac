import Arenas
import CLinux
import PubSub

/// What the upkeep thread does: indexes for full segments, memory that is not needed any more, retention.
extension SegmentLog {
    private static let pauseNanoseconds: Int64 = 1_000_000_000
    /// Longest wait for the commit that a removal stands behind.
    private static let commitPolls = 5000

    func runUpkeep() {
        while !isEnding.load(ordering: .sequentiallyConsistent) {
            upkeepBell.wait(nanoseconds: Self.pauseNanoseconds)
            tidy { [self] in
                for _ in 0..<Self.commitPolls where !isRemovalDurable {
                    if isEnding.load(ordering: .sequentiallyConsistent) { return }
                    writerBell.ring()
                    postern_sleep_microseconds(1000)
                }
            }
        }
    }

    private var isRemovalDurable: Bool {
        guard let removal = upkeep.removal else { return true }
        return health != .good || settled.rawValue >= removal.commit
    }

    /// One whole round. `settle` waits until what was staged is on disk.
    func tidy(_ settle: () -> Void) {
        prepareSpare()
        sealFinished()
        enforceBounds()
        removeDeadSegments(settle)
        compactOne(settle)
        noteOldest()
    }

    /// Drops what is over any bound. What was dropped before a start is dropped again by it, before anybody reads.
    func enforceBounds() {
        dropOverGlobalBounds()
        trimTopics()
    }

    /// Only a log that waits for its disk gains by it.
    private func prepareSpare() {
        guard configuration.durability == .sync, health == .good, !spare.isReady else { return }
        do throws(StorageError) {
            try spare.prepare(storage, byteCount: configuration.segmentBytes) {
                !isEnding.load(ordering: .sequentiallyConsistent)
            }
        } catch {
            // The next segment is made without; a disk that is full or fails is noticed there.
        }
    }

    // MARK: Indexes

    /// Gives full segments their index, and lets go of their messages' memory.
    func sealFinished() {
        while let next = state.withLock({ $0.finished.first }) {
            let result: SegmentSealer.Result
            do throws(StorageError) { result = try upkeep.sealer.seal(next.name, dataEnd: next.dataEnd) } catch {
                // Full: tried again in the next round. Its messages stay in memory meanwhile.
                if !error.meansFull { noteFailure(error) }
                return
            }
            let keeping = configuration.tailBytes
            state.withLock { state in
                state.finished.removeFirst()
                state.catalog.append(result.segment)
                state.damagedRanges += result.damage.count
                if !result.damage.isEmpty { state.log.hasDamage = true }
                state.log.evict(through: result.segment.lastSequence, keeping: keeping)
            }
            for range in result.damage {
                observer?.happened(.foundDamage(segment: next.name.text, first: range.first, last: range.last))
            }
        }
        let keeping = configuration.tailBytes
        state.withLock { $0.log.evict(through: $0.catalog.lastSequence, keeping: keeping) }
    }

    /// The disk failed outside of a commit.
    func noteFailure(_ error: StorageError) {
        let isNew = state.withLock { state in
            defer { state.health = .failed }
            return state.health != .failed
        }
        if isNew { observer?.happened(.diskFailed(call: error.call, file: error.file, number: error.number)) }
    }

    // MARK: Bounds of the whole log

    /// Drops what is too old, too many or too large for the whole log, oldest first.
    private func dropOverGlobalBounds() {
        let now = clock()
        let bounds = configuration.retention
        while true {
            let excess = state.withLock { state in
                let isOver = state.fileBytes + spare.byteCount > configuration.maximumBytes && state.catalog.segments.count > 0
                let through = isOver ? state.catalog.first?.lastSequence ?? 0 : 0
                let count = bounds.count.map { max(0, state.log.messageCount - $0) } ?? 0
                return Excess(through: through, count: count)
            }
            let dropped = dropOldest(excess, olderThan: bounds.ageMicroseconds.map { now - $0 })
            if !dropped { return }
            if excess.through > 0 { return }
        }
    }

    private struct Excess: Sendable {
        /// Everything up to here goes.
        var through: UInt64
        /// So many of the oldest go.
        var count: Int
    }

    /// One message that is to be dropped, as it stands on disk.
    private struct Doomed: Sendable {
        var name: [UInt8]
        var sequence: UInt64
        var bytes: Int
        var expiresMicroseconds: Int64
    }

    private static let dropBatch = 512

    /// Drops messages from the oldest on.
    /// - Returns: whether any was.
    private func dropOldest(_ excess: Excess, olderThan: Int64?) -> Bool {
        var left = excess.count
        var any = false
        while true {
            let (position, segment, window) = state.withLock { state in
                let position = state.log.earliestSequence - 1
                return (position, state.catalog.segment(behind: position), state.log.windowSequence)
            }
            guard position + 1 < window, let segment else {
                return dropOldestInMemory(&left, olderThan: olderThan) || any
            }
            var doomed: [Doomed] = []
            var through = position
            var isOver = false
            do throws(StorageError) {
                isOver = try gather(segment, position, excess.through, left, olderThan, &doomed, &through)
            } catch {
                // Not there any more, or not readable: what it held is gone.
                through = max(segment.lastSequence, position + 1)
            }
            guard through > position else { return any }
            any = true
            let counted = drop(doomed, through: through)
            left -= counted
            if isOver { return any }
        }
    }

    /// Reads what is to go from one segment.
    /// - Returns: whether a message was met that stays.
    private func gather(
        _ segment: SealedSegment, _ position: UInt64, _ last: UInt64, _ count: Int, _ olderThan: Int64?,
        _ doomed: inout [Doomed], _ through: inout UInt64
    ) throws(StorageError) -> Bool {
        let reader = upkeep.reader
        try reader.open(segment)
        guard var walk = try reader.walk(after: position) else {
            through = segment.lastSequence
            return false
        }
        while doomed.count < Self.dropBatch {
            switch try reader.next(&walk) {
            case .message(let found):
                let header = found.header
                let goes =
                    header.sequence <= last || doomed.count < count
                    || olderThan.map { header.timeMicroseconds < $0 } ?? false
                guard goes else { return true }
                let range = reader.topic(of: found)
                let name = range.map { reader.block.load($0, as: UInt8.self) }
                doomed.append(
                    Doomed(
                        name: name, sequence: header.sequence, bytes: header.messageRange.count,
                        expiresMicroseconds: header.expiresMicroseconds))
                through = header.sequence
            case .damaged(let gone): through = gone
            case .end:
                through = max(through, segment.lastSequence)
                return false
            }
        }
        return false
    }

    /// - Returns: how many were still counted.
    private func drop(_ doomed: [Doomed], through: UInt64) -> Int {
        let now = clock()
        return state.withLock { state in
            let before = state.log.messageCount
            for message in doomed {
                guard let id = state.log.topics.find(message.name.span) else { continue }
                state.log.dropFromDisk(
                    id, sequence: message.sequence, bytes: message.bytes,
                    isExpired: message.expiresMicroseconds <= now, next: message.sequence + 1)
            }
            state.log.earliestSequence = max(state.log.earliestSequence, through + 1)
            return before - state.log.messageCount
        }
    }

    /// The rest is not on disk only: the log's state itself drops it.
    private func dropOldestInMemory(_ left: inout Int, olderThan: Int64?) -> Bool {
        var any = false
        while true {
            let wanted = min(left, LogState.visibilityBatch)
            let dropped = state.withLock {
                $0.log.dropOldestVisible(atLeast: wanted, olderThan: olderThan, most: LogState.visibilityBatch)
            }
            any = any || dropped > 0
            left -= min(left, dropped)
            if dropped < LogState.visibilityBatch { return any }
        }
    }

    // MARK: Bounds of single topics

    private func trimTopics() {
        let now = clock()
        while state.withLock({ $0.log.sweep(nowMicroseconds: now) }) {}
        var index = 0
        while let (found, name) = state.withLock({ state in
            state.log.topicToTrimOnDisk(from: index, nowMicroseconds: now)
        }) {
            index = found + 1
            trimOnDisk(name, now)
        }
    }

    /// Drops a topic's oldest messages on disk while it is over its bounds.
    private func trimOnDisk(_ name: [UInt8], _ now: Int64) {
        while true {
            let (position, segment) = state.withLock { state -> (UInt64, SealedSegment?) in
                guard let id = state.log.topics.find(name.span), state.log.topics[id].messageCount > 0 else {
                    return (0, nil)
                }
                let position = state.log.topics[id].firstSequence - 1
                guard position + 1 < state.log.windowSequence else { return (0, nil) }
                return (position, state.catalog.segment(behind: position))
            }
            guard let segment else { return }
            var found: [(sequence: UInt64, bytes: Int, time: Int64, expires: Int64)] = []
            do throws(StorageError) { try gather(name, in: segment, behind: position, &found) } catch { return }
            let goesOn = state.withLock { state -> Bool in
                guard let id = state.log.topics.find(name.span) else { return false }
                for (index, message) in found.enumerated() {
                    guard state.log.isOverBounds(id, messageTime: message.time, nowMicroseconds: now) else {
                        return false
                    }
                    let next = index + 1 < found.count ? found[index + 1].sequence : segment.lastSequence + 1
                    state.log.dropFromDisk(
                        id, sequence: message.sequence, bytes: message.bytes, isExpired: message.expires <= now,
                        next: next)
                }
                if found.isEmpty { state.log.topics[id].firstSequence = segment.lastSequence + 1 }
                return true
            }
            guard goesOn else { return }
        }
    }

    private func gather(
        _ name: [UInt8], in segment: SealedSegment, behind position: UInt64,
        _ found: inout [(sequence: UInt64, bytes: Int, time: Int64, expires: Int64)]
    ) throws(StorageError) {
        let reader = upkeep.reader
        try reader.open(segment)
        guard var walk = try reader.walk(name.span, after: position) else { return }
        while found.count <= Self.dropBatch, case .message(let message) = try reader.next(&walk) {
            let header = message.header
            found.append(
                (header.sequence, header.messageRange.count, header.timeMicroseconds, header.expiresMicroseconds))
        }
    }

    // MARK: Removal

    /// Removes oldest segments that nothing is left of; the newest stays, as it tells which sequence number comes next.
    private func removeDeadSegments(_ settle: () -> Void) {
        while true {
            if upkeep.removal == nil {
                let since = clock() - configuration.idempotencyWindowMicroseconds
                let dead = state.withLock { state -> SealedSegment? in
                    guard let first = state.catalog.first, first.lastSequence < state.log.earliestSequence,
                        state.catalog.segments.count > 1 || !state.finished.isEmpty || state.activeBytes > 0
                    else { return nil }
                    // Its idempotency keys are still good, and there is room for them.
                    let keepsKeys = first.keyCount > 0 && first.lastMicroseconds > since
                    return keepsKeys && state.fileBytes <= configuration.maximumBytes ? nil : first
                }
                guard let dead, keepSettings(of: dead) else { return }
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
    private func keepSettings(of segment: SealedSegment) -> Bool {
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
        guard keepWaiting(behind: segment.lastSequence) else { return false }
        let commit = state.withLock { $0.commits }
        upkeep.removal = (segment, acknowledgesAtOnce ? 0 : commit)
        return true
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

    private func noteOldest() {
        let (segment, position) = state.withLock { ($0.catalog.segment(behind: $0.log.earliestSequence - 1), $0.log.earliestSequence - 1) }
        var oldest: Int64?
        if let segment {
            oldest = segment.firstMicroseconds
            if position >= segment.firstSequence {
                do throws(StorageError) {
                    try upkeep.reader.open(segment)
                    if var walk = try upkeep.reader.walk(after: position),
                        case .message(let found) = try upkeep.reader.next(&walk)
                    {
                        oldest = found.header.timeMicroseconds
                    }
                } catch {}
            }
        }
        state.withLock { state in
            state.oldestMicroseconds = oldest ?? state.log.oldestInMemoryMicroseconds
        }
    }
}
