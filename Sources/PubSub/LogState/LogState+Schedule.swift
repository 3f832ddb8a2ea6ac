import Arenas

/// Messages that are delivered later: they wait outside of the sequence, and enter it when they are due.
extension LogState {
    /// What an idempotency entry's sequence is marked with that stands for a schedule number.
    package static let scheduledMark: UInt64 = 1 << 63

    /// - Throws: `LogError.scheduleFull` where drafts that are to wait find no room.
    func checkSchedule(_ drafts: Span<MessageDraft>, nowMicroseconds: Int64) throws(LogError) {
        var count = 0
        var bytes = 0
        for index in drafts.indices where drafts[index].deliverMicroseconds > nowMicroseconds {
            count += 1
            bytes += drafts[index].byteCount
        }
        guard count == 0 || schedule.hasRoom(count: count, bytes: bytes) else { throw .scheduleFull }
    }

    /// Takes a draft in that is to wait. Its idempotency key is known to be new.
    mutating func keepForLater(_ draft: inout MessageDraft, bytes: Span<UInt8>, nowMicroseconds: Int64) {
        let number = schedule.lastNumber + 1
        draft.isScheduled = true
        draft.scheduleNumber = number
        draft.timeMicroseconds = nowMicroseconds
        if let hash = draft.idempotency {
            idempotency.insert(
                .init(hash: hash, sequence: number | Self.scheduledMark, timeMicroseconds: nowMicroseconds))
        }
        var message: [UInt8] = []
        message.reserveCapacity(draft.byteCount)
        for index in draft.offset..<draft.offset + draft.byteCount { message.append(bytes[index]) }
        if draft.idOffset > 0 {
            let id = ScheduleID.text(number)
            for index in 0..<23 { message[draft.idOffset + index] = id[index] }
        }
        topics.retain(draft.topic)
        scheduled &+= 1
        schedule.insert(
            ScheduledMessage(
                number: number, dueMicroseconds: draft.deliverMicroseconds, topic: draft.topic,
                timeToLiveMicroseconds: draft.timeToLiveMicroseconds, cursorOffset: draft.cursorOffset,
                timeOffset: draft.timeOffset, attributesOffset: draft.attributesOffset, bytes: message,
                writtenBehind: lastSequence))
    }

    /// Fills a draft in that repeats one that was to wait.
    mutating func repeatScheduled(_ draft: inout MessageDraft, _ earlier: IdempotencyWindow.Entry) {
        draft.isDuplicate = true
        draft.isScheduled = true
        draft.scheduleNumber = earlier.sequence & ~Self.scheduledMark
        draft.timeMicroseconds = earlier.timeMicroseconds
        draft.deliverMicroseconds = schedule.message(draft.scheduleNumber)?.dueMicroseconds ?? 0
        duplicates += 1
    }

    /// The draft of a message whose time has come. Its topic's hold goes over to the draft.
    package func draft(of message: ScheduledMessage) -> MessageDraft {
        MessageDraft(
            topic: message.topic, offset: 0, byteCount: message.bytes.count, cursorOffset: message.cursorOffset,
            timeOffset: message.timeOffset, idOffset: 0, attributesOffset: message.attributesOffset,
            timeToLiveMicroseconds: message.timeToLiveMicroseconds)
    }

    /// The message that is due, if one is; it stays in the schedule.
    package func dueMessage(nowMicroseconds: Int64) -> ScheduledMessage? {
        guard let first = schedule.first, first.dueMicroseconds <= nowMicroseconds else { return nil }
        return first
    }

    /// Appends a message whose time has come, the schedule's first, and takes it out of the schedule.
    /// - Returns: nil where the log takes no message now; it waits on.
    package mutating func deliver(
        _ message: ScheduledMessage, nowMicroseconds: Int64, fresh: inout SegmentStore.FreshMemory?, stored: Stored
    ) -> AppendStep? {
        var drafts = InlineArray<1, MessageDraft>(repeating: draft(of: message))
        var span = drafts.mutableSpan
        do throws(LogError) {
            let step = try append(
                &span, bytes: message.bytes.span, nowMicroseconds: nowMicroseconds, fresh: &fresh, stored: stored)
            if case .stored = step { _ = schedule.removeFirst() }
            return step
        } catch {
            return nil
        }
    }

    /// Takes back what was to wait, of a topic that is deleted.
    /// - Returns: whether there was any.
    mutating func unschedule(_ topic: TopicID) -> Bool {
        guard schedule.count > 0 else { return false }
        var released = 0
        schedule.removeAll(where: { $0.topic == topic }) { _ in released += 1 }
        for _ in 0..<released { topics.release(topic) }
        return released > 0
    }

    /// Takes back what was to wait from a number on.
    package mutating func unschedule(from number: UInt64) {
        var held: [TopicID] = []
        schedule.removeAll(where: { $0.number >= number }) { held.append($0.topic) }
        for topic in held { topics.release(topic) }
    }

    mutating func endSchedule() { unschedule(from: 0) }

    /// A message that recovery found to wait still.
    package mutating func restoreScheduled(_ message: ScheduledMessage, _ name: Span<UInt8>) throws(LogError) {
        var message = message
        message.topic = try intern(name)
        schedule.insert(message)
    }
}
