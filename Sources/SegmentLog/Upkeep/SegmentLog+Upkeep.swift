import Arenas
import CLinux
import PubSub

/// What the upkeep thread does: indexes for full segments, memory that is not needed any more, retention.
extension SegmentLog {
    private static let pauseNanoseconds: Int64 = 1_000_000_000
    /// Longest wait for the commit that a removal or a compaction stands behind.
    private static let commitPolls = 5000

    func runUpkeep() {
        while !isEnding.load(ordering: .sequentiallyConsistent) {
            upkeepBell.wait(nanoseconds: Self.pauseNanoseconds)
            tidy { [self] in
                for _ in 0..<Self.commitPolls where !isAwaitedDurable {
                    if isEnding.load(ordering: .sequentiallyConsistent) { return }
                    writerBell.ring()
                    postern_sleep_microseconds(1000)
                }
            }
        }
    }

    private var isAwaitedDurable: Bool { health != .good || settled.rawValue >= upkeep.awaitedCommit }

    /// One whole round. `settle` waits until what was staged is on disk.
    func tidy(_ settle: () -> Void) {
        prepareSpare()
        sealFinished()
        enforceBounds()
        removeDeadSegments(settle)
        compactOne(settle)
        noteOldest()
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
            do throws(StorageError) { result = try upkeep.sealer.seal(next.name, SegmentClosing(next)) } catch {
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

    private func noteOldest() {
        let (segment, position) = state.withLock {
            ($0.catalog.segment(behind: $0.log.earliestSequence - 1), $0.log.earliestSequence - 1)
        }
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
