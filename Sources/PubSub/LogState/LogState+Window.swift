import Arenas

/// What a log on disk does with the messages that are still in memory.
extension LogState {
    /// Messages looked at in one hold of the lock.
    package static let visibilityBatch = 512

    /// Shows readers what came up to `sequence`, a batch at a time.
    /// - Returns: the readers that watch one of the topics; they are to be woken.
    package mutating func makeVisible(through sequence: UInt64, told: inout ReaderSet) -> Bool {
        let last = min(sequence, lastSequence)
        guard visibleSequence < last else { return false }
        guard watchedTopics > 0 || readers.watchingAll != 0 else {
            visibleSequence = last
            return false
        }
        let end = min(last, visibleSequence + UInt64(Self.visibilityBatch))
        var location: Location? = segments.location(of: visibleSequence + 1)
        while let found = location {
            let record = segments[found]
            guard record.sequence <= end else { break }
            if record.expiresMicroseconds != Record.void { tell(TopicID(rawValue: record.topic), &told) }
            location = segments.location(behind: found, byteCount: Int(record.byteCount))
        }
        visibleSequence = end
        return end < last
    }

    /// Takes back messages that could not be stored, the newest of the log, and has their idempotency keys forgotten.
    /// Their sequence numbers are not given again.
    /// - Parameter number: what was to wait from this schedule number on is taken back as well.
    package mutating func void(from first: UInt64, scheduledFrom number: UInt64) {
        idempotency.removeNewest(from: first, scheduledFrom: number)
        unschedule(from: number)
        var location: Location? = first < nextSequence ? segments.location(of: first) : nil
        while let found = location {
            let record = segments[found]
            location = segments.location(behind: found, byteCount: Int(record.byteCount))
            guard record.expiresMicroseconds != Record.void else { continue }
            let id = TopicID(rawValue: record.topic)
            segments.setVoid(found)
            published -= 1
            // A topic that was deleted or trimmed meanwhile does not count the message any more.
            guard topics[id].isLive, record.sequence >= topics[id].firstSequence else { continue }
            forget(id, Int(record.byteCount))
        }
    }

    private mutating func forget(_ id: TopicID, _ bytes: Int) {
        messageCount -= 1
        byteCount -= bytes
        topics[id].messageCount -= 1
        topics[id].byteCount -= bytes
        guard topics[id].messageCount == 0 else { return }
        topics[id].first = .none
        topics[id].last = .none
        topics[id].firstSequence = .max
        topics.release(id)
    }

    /// Lets go of memory whose messages are all on disk, oldest first, down to `keeping` bytes.
    package mutating func evict(through sequence: UInt64, keeping bytes: Int) {
        while !segments.isEmpty, segments.liveBytes > bytes, segments.oldestSequences.upperBound <= sequence &+ 1 {
            segments.dropOldest()
        }
        segments.reclaim(below: readers.floor)
    }

    /// Bytes of memory that messages stand in.
    package var windowBytes: Int { segments.liveBytes }

    // MARK: What recovery finds on disk

    /// Begins behind what is on disk.
    package mutating func restore(earliest: UInt64, next: UInt64, lastTimeMicroseconds: Int64) {
        earliestSequence = earliest
        nextSequence = next
        visibleSequence = next - 1
        self.lastTimeMicroseconds = max(self.lastTimeMicroseconds, lastTimeMicroseconds)
    }

    /// Counts messages of a topic that stand in one file, oldest files first.
    package mutating func restore(
        _ name: Span<UInt8>, messages: Int, bytes: Int, first: UInt64, last: UInt64, createdMicroseconds: Int64
    ) throws(LogError) {
        guard messages > 0 else { return }
        let id = try intern(name)
        if topics[id].messageCount > 0 {
            topics.release(id)
        } else {
            topics[id].firstSequence = first
            if topics[id].createdMicroseconds == 0 { topics[id].createdMicroseconds = createdMicroseconds }
        }
        topics[id].lastSequence = last
        topics[id].messageCount += messages
        topics[id].byteCount += bytes
        messageCount += messages
        byteCount += bytes
    }

    /// What is kept of a topic apart from its messages.
    package func settings(of id: TopicID) -> TopicSettingsRecord {
        TopicSettingsRecord(
            createdMicroseconds: topics[id].createdMicroseconds, lostThrough: topics[id].lostThrough,
            retention: topics[id].retention)
    }

    package mutating func restoreSettings(_ name: Span<UInt8>, _ settings: TopicSettingsRecord) throws(LogError) {
        let id = try intern(name)
        if settings.createdMicroseconds > 0 { topics[id].createdMicroseconds = settings.createdMicroseconds }
        if settings.lostThrough > 0 { topics.noteLoss(id, settings.lostThrough) }
        if (topics[id].retention == nil) == (settings.retention == nil) {
            topics.release(id)
        } else if settings.retention == nil {
            topics.release(id)
            topics.release(id)
        }
        topics[id].retention = settings.retention
    }

    // MARK: Retention of what is on disk

    /// A topic's message on disk that retention drops; messages are dropped in order.
    /// - Parameter next: the topic's next message, where it is known; else the first behind this one is looked for.
    package mutating func dropFromDisk(_ id: TopicID, sequence: UInt64, bytes: Int, isExpired: Bool, next: UInt64) {
        guard topics[id].isLive, topics[id].messageCount > 0, topics[id].firstSequence <= sequence else { return }
        if !isExpired { topics.noteLoss(id, sequence) }
        droppedByRetention += 1
        // What is next need not be known exactly: no message of the topic stands between the two.
        topics[id].firstSequence = next
        forget(id, bytes)
    }
}

/// What a log on disk keeps of a topic apart from its messages.
package struct TopicSettingsRecord: Equatable, Sendable {
    package var createdMicroseconds: Int64
    package var lostThrough: UInt64
    package var retention: RetentionPolicy?

    package init(createdMicroseconds: Int64, lostThrough: UInt64, retention: RetentionPolicy?) {
        self.createdMicroseconds = createdMicroseconds
        self.lostThrough = lostThrough
        self.retention = retention
    }
}

extension LogState {
    /// The newest time of any message.
    package var newestMicroseconds: Int64 { lastTimeMicroseconds }

    /// When the oldest message in memory was stored; nil where there is none.
    package var oldestInMemoryMicroseconds: Int64? {
        let first = max(earliestSequence, windowSequence)
        guard first < nextSequence else { return nil }
        return segments[segments.location(of: first)].timeMicroseconds
    }

    /// Drops the oldest messages, which are in memory and visible.
    /// - Parameter atLeast: so many go in any case.
    /// - Returns: how many were dropped.
    package mutating func dropOldestVisible(atLeast count: Int, olderThan: Int64?, most: Int) -> Int {
        var dropped = 0
        while dropped < most, earliestSequence <= visibleSequence, earliestSequence >= windowSequence {
            let record = segments[segments.location(of: earliestSequence)]
            guard dropped < count || olderThan.map({ record.timeMicroseconds < $0 }) ?? false else { break }
            guard dropOldestMessage() else { break }
            dropped += 1
        }
        return dropped
    }

    /// Says where a topic's oldest message stands, where nothing was dropped meanwhile.
    package mutating func setFirst(_ name: Span<UInt8>, was first: UInt64, exact: UInt64) {
        guard let id = topics.find(name), topics[id].messageCount > 0, topics[id].firstSequence == first else { return }
        topics[id].firstSequence = exact
    }

    /// Topics looked at in one hold of the lock.
    private static let topicBatch = 512

    /// Looks for the next topic that has bounds of its own and whose oldest message is on disk only.
    /// - Returns: where the look goes on, nil at the end, and the topic's name where one was found.
    package func topicToTrimOnDisk(from start: Int) -> (next: Int?, name: [UInt8]?) {
        let window = windowSequence
        let end = min(topics.indexBound, start + Self.topicBatch)
        var index = start
        while index < end {
            let id = TopicID(rawValue: UInt32(index))
            let topic = topics[id]
            index += 1
            guard topic.isLive, topic.retention != nil, topic.messageCount > 0, topic.firstSequence < window else {
                continue
            }
            let name = topics.names.bytes(of: id)
            return (index, name.indices.map { name[$0] })
        }
        return (index < topics.indexBound ? index : nil, nil)
    }

    /// Whether a topic has to drop its oldest message, which was stored at `messageTime`.
    package func isOverBounds(_ id: TopicID, messageTime: Int64, nowMicroseconds: Int64) -> Bool {
        guard let policy = topics[id].retention, topics[id].messageCount > 0 else { return false }
        return topics[id].messageCount > policy.count ?? .max || topics[id].byteCount > policy.bytes ?? .max
            || policy.ageMicroseconds.map { nowMicroseconds - messageTime > $0 } ?? false
    }
}
