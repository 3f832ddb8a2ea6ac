import Arenas
import PubSub

/// Retention: what is too old, too many or too large goes, oldest first, by topic and for the whole log.
extension SegmentLog {
    /// Drops what is over any bound. What was dropped before a start is dropped again by it, before anybody reads.
    func enforceBounds() {
        dropOverGlobalBounds()
        trimTopics()
    }

    // MARK: Bounds of the whole log

    /// Drops what is too old, too many or too large for the whole log, oldest first.
    private func dropOverGlobalBounds() {
        let now = clock()
        let bounds = state.withLock { $0.retention }
        while true {
            let excess = state.withLock { state in
                var over = state.fileBytes + spare.byteCount - configuration.maximumBytes(bounds)
                var through: UInt64 = 0
                for segment in state.catalog.segments where over > 0 {
                    through = segment.lastSequence
                    over -= segment.fileBytes
                }
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
            for name in Set(doomed.map(\.name)) { findFirst(name) }
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

    /// Finds the oldest message that a topic has left on disk: what was dropped tells only where it does not stand.
    private func findFirst(_ name: [UInt8]) {
        let bound = state.withLock { state -> (first: UInt64, window: UInt64)? in
            guard let id = state.log.topics.find(name.span), state.log.topics[id].messageCount > 0 else { return nil }
            return (state.log.topics[id].firstSequence, state.log.windowSequence)
        }
        guard let (first, window) = bound else { return }
        var position = first - 1
        while position + 1 < window, let segment = state.withLock({ $0.catalog.segment(behind: position) }) {
            do throws(StorageError) {
                try upkeep.reader.open(segment)
                if var walk = try upkeep.reader.walk(name.span, after: position),
                    case .message(let found) = try upkeep.reader.next(&walk)
                {
                    let exact = found.header.sequence
                    return state.withLock { $0.log.setFirst(name.span, was: first, exact: exact) }
                }
            } catch {
                return
            }
            position = segment.lastSequence
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
        var index: Int? = 0
        while let start = index {
            let (next, name) = state.withLock { $0.log.topicToTrimOnDisk(from: start) }
            if let name {
                trimOnDisk(name, now)
                findFirst(name)
            }
            index = next
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
}
