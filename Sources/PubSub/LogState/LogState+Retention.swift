import Arenas

extension LogState {
    /// Most messages of its own topic that one append drops. More than one, so that a bound that was lowered is
    /// reached; few, so that no publish pays for it.
    static let topicTrimsPerAppend = 4
    /// Most messages one hold of the lock drops in the once-a-second sweep.
    static let sweepBatch = 256

    /// Drops the oldest messages in step with the newest segment's filling, so that the oldest segment is empty when
    /// its memory is wanted and no single append drops a whole segment.
    mutating func trimInStep() {
        trimToCount()
        guard segments.liveBytes + segments.segmentBytes > maximumBytes, segments.liveCount > 1 else { return }
        let fill = segments.newestFill
        while segments.liveCount > 1 {
            let oldest = segments.oldestSequences
            guard !oldest.isEmpty, oldest.contains(earliestSequence) else { return }
            let dropped = Int(earliestSequence - oldest.lowerBound)
            guard dropped * fill.capacity < fill.used * oldest.count else { return }
            guard oldest.upperBound - earliestSequence > 1 else { return }
            _ = dropOldestMessage()
        }
    }

    /// Drops the oldest messages while there are too many; those that are on disk only, the disk's upkeep drops.
    mutating func trimToCount() {
        guard let most = retention.count else { return }
        var budget = Self.topicTrimsPerAppend
        while messageCount > most, budget > 0, earliestSequence >= windowSequence, earliestSequence <= visibleSequence,
            dropOldestMessage()
        {
            budget -= 1
        }
    }

    /// Drops oldest segments until one of `byteCount` bytes fits under the log's bound.
    mutating func dropSegments(toFit byteCount: Int) {
        while !segments.isEmpty, segments.liveBytes + byteCount > maximumBytes {
            let sequences = segments.oldestSequences
            let number = segments.oldest
            while segments.oldest == number, earliestSequence < sequences.upperBound { _ = dropOldestMessage() }
            if segments.oldest == number { segments.dropOldest() }
        }
        segments.reclaim(below: readers.floor)
    }

    /// Drops the log's oldest message, whichever topic it is of.
    /// - Returns: false when there is none.
    mutating func dropOldestMessage() -> Bool {
        guard earliestSequence < nextSequence else { return false }
        let location = segments.location(of: earliestSequence)
        let record = segments[location]
        let id = TopicID(rawValue: record.topic)
        if topics[id].firstSequence == record.sequence { dropFirst(of: id, record) }
        earliestSequence += 1
        while segments.liveCount > 1, segments.oldestSequences.upperBound <= earliestSequence { segments.dropOldest() }
        return true
    }

    /// Drops a topic's first message, `record`.
    private mutating func dropFirst(of id: TopicID, _ record: Record) {
        // A message past its time to live was not lost: nobody could have read it.
        if record.expiresMicroseconds > lastTimeMicroseconds { topics.noteLoss(id, record.sequence) }
        // One that was taken back is counted no more.
        if record.expiresMicroseconds != Record.void {
            droppedByRetention += 1
            messageCount -= 1
            byteCount -= Int(record.byteCount)
            topics[id].messageCount -= 1
            topics[id].byteCount -= Int(record.byteCount)
        }
        if topics[id].messageCount == 0 {
            topics[id].first = .none
            topics[id].last = .none
            topics[id].firstSequence = .max
            topics.release(id)
        } else {
            topics[id].first = record.next
            topics[id].firstSequence = segments[record.next].sequence
        }
    }

    /// Drops what goes over a topic's own bounds, `most` messages at most.
    /// - Returns: how many were dropped.
    @discardableResult
    package mutating func trimTopic(_ id: TopicID, nowMicroseconds: Int64, most: Int) -> Int {
        var dropped = 0
        while dropped < most, let policy = topics[id].retention, topics[id].messageCount > 0 {
            guard let first = firstInMemory(of: id) else { break }
            let record = segments[first]
            let isOver =
                topics[id].messageCount > policy.count ?? .max
                || topics[id].byteCount > policy.bytes ?? .max
                || isTooOld(record, policy, nowMicroseconds)
            guard isOver else { break }
            dropFirst(of: id, record)
            dropped += 1
        }
        return dropped
    }

    /// Where a topic's first message stands; nil where that is on disk.
    private mutating func firstInMemory(of id: TopicID) -> Location? {
        guard home == .disk else { return topics[id].first }
        guard topics[id].firstSequence >= windowSequence else { return nil }
        if !segments.isLive(topics[id].first) {
            topics[id].first = firstMessage(of: topics[id], after: topics[id].firstSequence - 1) ?? .none
        }
        return segments.isLive(topics[id].first) ? topics[id].first : nil
    }

    private func isTooOld(_ record: Record, _ policy: RetentionPolicy, _ nowMicroseconds: Int64) -> Bool {
        guard let age = policy.ageMicroseconds else { return false }
        return nowMicroseconds - record.timeMicroseconds > age
    }

    /// One step of the once-a-second sweep; a step is short, so that the lock is never held long.
    /// - Returns: whether there is more to do.
    package mutating func sweep(nowMicroseconds: Int64) -> Bool {
        idempotency.expire(nowMicroseconds: nowMicroseconds)
        var budget = Self.sweepBatch
        while home == .memory, budget > 0, earliestSequence < nextSequence {
            let record = segments[segments.location(of: earliestSequence)]
            // A bound in bytes that was lowered is reached in such steps too, before an append has to do it at once.
            guard
                isTooOld(record, retention, nowMicroseconds) || messageCount > retention.count ?? .max
                    || segments.liveBytes > maximumBytes && segments.liveCount > 1
            else { break }
            _ = dropOldestMessage()
            budget -= 1
        }
        while budget > 0, sweepPosition < topics.indexBound {
            let id = TopicID(rawValue: UInt32(sweepPosition))
            budget -= 1
            if topics[id].isLive, topics[id].retention != nil {
                budget -= trimTopic(id, nowMicroseconds: nowMicroseconds, most: max(budget, 1))
                guard budget > 0 else { return true }
            }
            sweepPosition += 1
        }
        segments.reclaim(below: readers.floor)
        guard budget <= 0 else {
            sweepPosition = 0
            return false
        }
        return true
    }
}
