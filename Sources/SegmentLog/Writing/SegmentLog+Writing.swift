import CLinux
import PubSub

/// What the writer thread does: one write and one `fdatasync` for everything that came while the last was under way.
extension SegmentLog {
    /// A full disk is looked at anew so often.
    private static let probeNanoseconds: UInt64 = 1_000_000_000
    /// The writer goes round so often though nobody asks, so that one that is stuck is told from one that is idle.
    private static let idleNanoseconds: Int64 = 1_000_000_000

    func runWriter() {
        while true {
            // One step a ring: what a loop appends after it asked for a write it will ask for again, and a write that
            // begins in the middle of a turn would take the processor from the loop that fills the next.
            writerBell.wait(nanoseconds: writerSleep())
            turns.add(1, ordering: .relaxed)
            _ = writeStep()
            synchronizeIfDue()
            probeIfFull()
            if isEnding.load(ordering: .sequentiallyConsistent) {
                while writeStep() {}
                return
            }
        }
    }

    private func writerSleep() -> Int64 {
        if health == .full { return Int64(Self.probeNanoseconds) }
        guard case .interval(let milliseconds) = configuration.durability, writer.segments.isDirty else {
            return Self.idleNanoseconds
        }
        let due = writer.lastSynchronized + UInt64(milliseconds) * 1_000_000
        let now = postern_monotonic_nanoseconds()
        return due > now ? min(Int64(due - now), Self.idleNanoseconds) : 0
    }

    /// Writes what is staged, and settles it.
    /// - Returns: false where there was nothing to do.
    func writeStep() -> Bool {
        guard health != .failed, let batch = writer.retained ?? takeStaged() else { return false }
        if writer.retained != nil, health == .full { return false }
        let began = postern_monotonic_nanoseconds()
        if writer.retained == nil { writer.progress = SegmentWriter.Progress() }
        do throws(StorageError) {
            try writer.segments.write(batch, &writer.progress, nowMicroseconds: clock())
            if configuration.durability == .sync { try writer.segments.synchronize() }
        } catch {
            handOver(&writer.progress)
            fail(batch, error)
            return false
        }
        writer.retained = nil
        settle(batch)
        observer?.committed(
            nanoseconds: postern_monotonic_nanoseconds() - began, messages: batch.messageCount, bytes: batch.count)
        giveBack(batch)
        return true
    }

    private func takeStaged() -> StagingBuffer? {
        state.withLock { state in
            guard !state.staging.isEmpty, let spare = state.spare.take() else { return nil }
            let batch = state.staging
            state.staging = spare
            return batch
        }
    }

    private func giveBack(_ batch: StagingBuffer) {
        batch.removeAll()
        state.withLock { $0.spare = batch }
    }

    /// Segments that are full are the upkeep's from here on.
    /// - Parameter batch: one that is as durable as it is to be.
    private func handOver(_ progress: inout SegmentWriter.Progress, settled batch: StagingBuffer? = nil) {
        let finished = progress.finished
        progress.finished = []
        let activeBytes = writer.segments.activeBytes
        let written = writer.segments.writtenBytes
        state.withLock { state in
            if let batch { state.settleSchedule(batch) }
            state.finished += finished
            state.activeBytes = activeBytes
            state.writtenBytes = written
            state.commitCount += 1
        }
        if !finished.isEmpty { upkeepBell.ring() }
    }

    /// A batch is as durable as it is to be.
    private func settle(_ batch: StagingBuffer) {
        handOver(&writer.progress, settled: batch)
        settle(commit: batch.lastCommit, sequence: batch.messageCount > 0 ? batch.lastSequence : 0)
    }

    private func settle(commit: UInt64, sequence: UInt64) {
        var told = ReaderSet()
        if !acknowledgesAtOnce, sequence > 0 {
            // The lock is given up between batches.
            while state.withLock({ $0.log.makeVisible(through: sequence, told: &told) }) {}
        }
        announce(commit, told: told)
    }

    // MARK: Failures

    private func fail(_ batch: StagingBuffer, _ error: StorageError) {
        let isFull = error.meansFull
        let why: LogError = isFull ? .full : .failed
        observer?.happened(
            isFull
                ? .diskFull(file: error.file)
                : .diskFailed(call: error.call, file: error.file, number: error.number))
        if acknowledgesAtOnce {
            // What was acknowledged is kept, to be written once there is room; behind a failed disk there never is.
            writer.retained = isFull ? batch : nil
            state.withLock { $0.health = isFull ? .full : .failed }
            if !isFull { giveBack(batch) }
            return
        }
        let stored = storedPart(of: batch)
        if stored.commit > 0 {
            settle(commit: stored.commit, sequence: stored.sequence)
            state.withLock { state in
                state.settledSchedule = max(state.settledSchedule, stored.schedule)
                state.delivering.removeAll { $0.commit <= stored.commit }
            }
        }
        let newest = state.withLock { state in
            state.health = isFull ? .full : .failed
            state.failures.add(max(stored.commit + 1, batch.firstCommit), state.commits, why)
            state.staging.removeAll()
            state.takeBack()
            return state.commits
        }
        giveBack(batch)
        var told = ReaderSet()
        while state.withLock({ $0.log.makeVisible(through: .max, told: &told) }) {}
        announce(newest, told: told)
    }

    /// How far a batch stands in segments that are synchronized and closed.
    private func storedPart(of batch: StagingBuffer) -> (commit: UInt64, sequence: UInt64, schedule: UInt64) {
        var commit = batch.firstCommit
        var sequence: UInt64 = 0
        var schedule: UInt64 = 0
        var last: (commit: UInt64, sequence: UInt64, schedule: UInt64) = (0, 0, 0)
        var offset = 0
        while offset < writer.progress.synchronizedTo,
            let record = RecordHeader(trusting: batch.block, at: offset)
        {
            let payload = offset + record.messageRange.lowerBound
            offset += record.storedBytes
            if record.kind == .message { sequence = record.sequence }
            if record.kind == .scheduled { schedule = batch.block.load(payload) }
            if !record.continues {
                last = (commit, sequence, schedule)
                commit += 1
            }
        }
        return last
    }

    /// Tries whether a full disk has room again.
    func probeIfFull() {
        guard health == .full else { return }
        let now = postern_monotonic_nanoseconds()
        guard now >= writer.lastProbe + Self.probeNanoseconds else { return }
        writer.lastProbe = now
        probe()
    }

    func probe() {
        guard health == .full else { return }
        let next = state.withLock { $0.log.nextSequence }
        do throws(StorageError) { try writer.segments.prepare(firstSequence: next, nowMicroseconds: clock()) } catch {
            return
        }
        state.withLock { $0.health = .good }
        observer?.happened(.hasRoomAgain)
        handOver(&writer.progress)
    }

    private func synchronizeIfDue() {
        guard case .interval(let milliseconds) = configuration.durability, writer.segments.isDirty else { return }
        let now = postern_monotonic_nanoseconds()
        guard now >= writer.lastSynchronized + UInt64(milliseconds) * 1_000_000 else { return }
        do throws(StorageError) { try writer.segments.synchronize() } catch {
            state.withLock { $0.health = .failed }
            observer?.happened(.diskFailed(call: error.call, file: error.file, number: error.number))
        }
        writer.lastSynchronized = postern_monotonic_nanoseconds()
    }

    /// Where messages are acknowledged at once, a segment stands on disk before the first is: whoever finds it after a
    /// crash knows that some may be missing. On a full disk there is none, and nothing is acknowledged until there is.
    func prepareFirstSegment() throws(Recovery.Failure) {
        guard acknowledgesAtOnce else { return }
        let next = state.withLock { $0.log.nextSequence }
        do throws(StorageError) {
            try writer.segments.prepare(firstSequence: next, nowMicroseconds: clock())
        } catch {
            guard error.meansFull else { throw .storage(error) }
            state.withLock { $0.health = .full }
            observer?.happened(.diskFull(file: error.file))
            return
        }
        let activeBytes = writer.segments.activeBytes
        state.withLock { $0.activeBytes = activeBytes }
    }

    /// Ends the active segment before it is full.
    func endSegment() {
        var progress = SegmentWriter.Progress()
        do throws(StorageError) { try writer.segments.finishActive(&progress) } catch { return noteFailure(error) }
        handOver(&progress)
        sealFinished()
    }

    /// Writes all that is staged, ends the active segment and gives all segments their index.
    func finish() {
        while writeStep() {}
        // What could not be synchronized is not vouched for with an index either: the next start looks at it.
        guard health != .failed else {
            writer.segments.close()
            return spare.discard(storage)
        }
        var progress = SegmentWriter.Progress()
        do throws(StorageError) { try writer.segments.finishActive(&progress) } catch {
            observer?.happened(.diskFailed(call: error.call, file: error.file, number: error.number))
            writer.segments.close()
        }
        handOver(&progress)
        sealFinished()
        spare.discard(storage)
    }
}

extension StorageError {
    /// There is no room, or none that this process may have. Met while synchronizing it is a failure like any other: what
    /// was written before may be lost.
    var meansFull: Bool {
        (number == ErrorNumber.noSpace || number == ErrorNumber.quota) && call != "fdatasync" && call != "fsync"
    }
}

/// Error numbers told apart (errno(3), Linux).
enum ErrorNumber {
    static let noEntry: Int32 = 2
    static let io: Int32 = 5
    static let accessDenied: Int32 = 13
    static let exists: Int32 = 17
    static let notADirectory: Int32 = 20
    static let wouldBlock: Int32 = 11
    static let noSpace: Int32 = 28
    static let readOnly: Int32 = 30
    static let quota: Int32 = 122
}
