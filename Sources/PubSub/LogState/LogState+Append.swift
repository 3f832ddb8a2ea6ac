import Arenas

extension LogState {
    /// Told of each message as it is stored: its draft, its topic's name and its bytes, stamped.
    package typealias Stored = (borrowing MessageDraft, _ topic: Span<UInt8>, _ message: Span<UInt8>) -> Void

    /// What an append needs before it can be done.
    package enum AppendStep {
        /// Stored; these readers are to be told.
        case stored(ReaderSet)
        /// Not stored: a segment of so many bytes is to be brought first.
        case needsSegment(byteCount: Int)
    }

    /// The critical section of a publish: a copy and a few stores a message. All drafts are stored, or none.
    package mutating func append(
        _ drafts: inout MutableSpan<MessageDraft>, bytes: Span<UInt8>, nowMicroseconds: Int64,
        fresh: inout SegmentStore.FreshMemory?, stored: Stored
    ) throws(LogError) -> AppendStep {
        try checkSchedule(drafts.span, nowMicroseconds: max(nowMicroseconds, lastTimeMicroseconds))
        if let needed = try makeRoom(for: drafts.span, fresh: &fresh) { return .needsSegment(byteCount: needed) }
        let now = max(nowMicroseconds, lastTimeMicroseconds)
        lastTimeMicroseconds = now
        var told = ReaderSet()
        for index in drafts.indices {
            store(&drafts[index], bytes: bytes, nowMicroseconds: now, told: &told, stored)
        }
        // The messages hold their topics now.
        for index in drafts.indices { topics.release(drafts[index].topic) }
        if home == .memory {
            visibleSequence = lastSequence
            trimInStep()
        } else {
            trimToCount()
        }
        return .stored(told)
    }

    /// Sees to it that the newest segment holds all drafts.
    /// - Returns: the size of the segment that is missing; nil when there is room.
    private mutating func makeRoom(
        for drafts: Span<MessageDraft>, fresh: inout SegmentStore.FreshMemory?
    ) throws(LogError) -> Int? {
        var stored = 0
        for index in drafts.indices { stored += Record.storedBytes(for: drafts[index].byteCount) }
        if segments.hasRoom(forStored: stored, count: drafts.count) { return nil }
        let needed = SegmentStore.bytes(forStored: stored, count: drafts.count)
        let byteCount = max(needed, segments.segmentBytes)
        guard byteCount <= maximumBytes else { throw .messageTooLarge }
        segments.reclaim(below: readers.floor)
        guard segments.hasFreeSlot else { throw .busy }
        if byteCount > segments.segmentBytes {
            guard var memory = fresh.take() else { return byteCount }
            guard memory.byteCount >= byteCount else { return byteCount }
            if home == .memory { dropSegments(toFit: memory.byteCount) }
            segments.openSegment(firstSequence: nextSequence, on: &memory)
        } else {
            if segments.spareCount == 0, var memory = fresh.take() { segments.addSpare(&memory) }
            guard segments.spareCount > 0 else { return byteCount }
            if home == .memory { dropSegments(toFit: byteCount) }
            segments.openSegment(firstSequence: nextSequence)
        }
        return nil
    }

    private mutating func store(
        _ draft: inout MessageDraft, bytes: Span<UInt8>, nowMicroseconds: Int64, told: inout ReaderSet,
        _ stored: Stored
    ) {
        if let hash = draft.idempotency {
            if let earlier = idempotency.find(hash, nowMicroseconds: nowMicroseconds) {
                if earlier.sequence & Self.scheduledMark != 0 { return repeatScheduled(&draft, earlier) }
                draft.sequence = earlier.sequence
                draft.timeMicroseconds = earlier.timeMicroseconds
                draft.isDuplicate = true
                duplicates += 1
                return
            }
            if draft.deliverMicroseconds <= nowMicroseconds {
                idempotency.insert(.init(hash: hash, sequence: nextSequence, timeMicroseconds: nowMicroseconds))
            }
        }
        if draft.deliverMicroseconds > nowMicroseconds {
            keepForLater(&draft, bytes: bytes, nowMicroseconds: nowMicroseconds)
            if home == .disk {
                stored(
                    draft, topics.names.bytes(of: draft.topic),
                    bytes.extracting(draft.offset..<draft.offset + draft.byteCount))
            }
            return
        }
        draft.sequence = nextSequence
        draft.timeMicroseconds = nowMicroseconds
        nextSequence += 1
        let message = bytes.extracting(draft.offset..<draft.offset + draft.byteCount)
        let location = segments.append(record(for: draft), message)
        stamp(draft, at: location)
        link(draft, at: location)
        messageCount += 1
        byteCount += draft.byteCount
        published += 1
        switch home {
        case .memory: tell(draft.topic, &told)
        case .disk:
            let message = segments.message(at: location, byteCount: draft.byteCount)
            stored(draft, topics.names.bytes(of: draft.topic), message)
        }
        trimTopic(draft.topic, nowMicroseconds: nowMicroseconds, most: Self.topicTrimsPerAppend)
    }

    private func record(for draft: MessageDraft) -> Record {
        let last = topics[draft.topic].last
        var record = Record(
            sequence: draft.sequence, timeMicroseconds: draft.timeMicroseconds,
            expiresMicroseconds: draft.timeToLiveMicroseconds == 0
                ? .max : draft.timeMicroseconds &+ draft.timeToLiveMicroseconds,
            previous: last, jump: last, next: .none, topic: draft.topic.rawValue, byteCount: UInt32(draft.byteCount),
            jumpSpan: 1, attributesOffset: UInt32(draft.attributesOffset))
        guard last != .none, segments.isLive(last) else { return record }
        let before = segments[last]
        let first = topics[draft.topic].first
        if before.jump >= first, before.jump != .none, segments.isLive(before.jump) {
            let beforeJump = segments[before.jump]
            if before.jumpSpan == beforeJump.jumpSpan, beforeJump.jump >= first, beforeJump.jump != .none,
                segments.isLive(beforeJump.jump)
            {
                record.jump = beforeJump.jump
                record.jumpSpan = before.jumpSpan + beforeJump.jumpSpan + 1
            }
        }
        return record
    }

    /// Writes the cursor, the time and perhaps the id into the message.
    private mutating func stamp(_ draft: MessageDraft, at location: Location) {
        let cursor = Cursor(epoch: epoch, sequence: draft.sequence).text
        let time = timeText.update(Timestamp(microseconds: draft.timeMicroseconds))
        segments.withMessage(at: location, byteCount: draft.byteCount) { message in
            for index in 0..<Cursor.byteCount { message[draft.cursorOffset + index] = cursor[index] }
            for index in 0..<Timestamp.byteCount { message[draft.timeOffset + index] = time[index] }
            guard draft.idOffset > 0 else { return }
            for index in 0..<Cursor.byteCount { message[draft.idOffset + index] = cursor[index] }
        }
    }

    private mutating func link(_ draft: MessageDraft, at location: Location) {
        let id = draft.topic
        if !topics[id].exists { topics[id].createdMicroseconds = draft.timeMicroseconds }
        if topics[id].messageCount == 0 {
            // The messages hold their topic once together.
            topics.retain(id)
            topics[id].first = location
            topics[id].firstSequence = draft.sequence
        } else if segments.isLive(topics[id].last) {
            segments.setNext(of: topics[id].last, to: location)
        }
        topics[id].last = location
        topics[id].lastSequence = draft.sequence
        topics[id].messageCount += 1
        topics[id].byteCount += draft.byteCount
    }

    mutating func tell(_ id: TopicID, _ told: inout ReaderSet) {
        let watching = topics[id].watchers | readers.watchingAll
        guard watching != 0 else { return }
        told.bits |= watching
        var news = ReaderSet(bits: watching & ~topics[id].told)
        topics[id].told |= watching
        while let reader = news.popFirst() { readers.tell(reader, id) }
    }
}
