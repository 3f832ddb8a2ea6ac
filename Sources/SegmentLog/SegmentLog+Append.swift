import Arenas
import PubSub

/// What loops do: append to memory and to what is staged, under the lock. No I/O.
extension SegmentLog {
    private enum Step: Sendable {
        case done(Appended)
        /// Not stored: so much memory is to be brought first.
        case needsMemory(byteCount: Int)
    }

    public func append(
        _ drafts: inout MutableSpan<MessageDraft>, bytes: Span<UInt8>, nowMicroseconds: Int64
    ) throws(LogError) -> Appended {
        var fresh: SegmentStore.FreshMemory?
        while true {
            let step = try state.withLock { state throws(LogError) in
                try appendLocked(&state, &drafts, bytes, nowMicroseconds, &fresh)
            }
            switch step {
            case .done(let appended): return appended
            // Memory is brought outside the lock; another thread may have brought it meanwhile.
            case .needsMemory(let byteCount): fresh = SegmentStore.FreshMemory(byteCount: byteCount)
            }
        }
    }

    private func appendLocked(
        _ state: inout DurableState, _ drafts: inout MutableSpan<MessageDraft>, _ bytes: Span<UInt8>,
        _ nowMicroseconds: Int64, _ fresh: inout SegmentStore.FreshMemory?
    ) throws(LogError) -> Step {
        try state.checkRoom(state.stagedBytes(drafts.span))
        let staging = state.staging
        let before = staging.count
        let step = try state.log.append(
            &drafts, bytes: bytes, nowMicroseconds: nowMicroseconds, fresh: &fresh
        ) { draft, topic, message in Self.stage(draft, topic, message, staging) }
        if case .needsSegment(let byteCount) = step { return .needsMemory(byteCount: byteCount) }
        state.stageNewlyScheduled(drafts.span, nowMicroseconds: nowMicroseconds)
        if staging.count > before {
            state.stageLossesOfNewTopics(drafts.span)
            state.commits += 1
            staging.endAppend(state.commits)
        }
        guard acknowledgesAtOnce else {
            return .done(Appended(told: ReaderSet(), commit: Commit(rawValue: state.commits)))
        }
        var told = ReaderSet()
        while state.log.makeVisible(through: .max, told: &told) {}
        return .done(Appended(told: told))
    }

    private static func stage(
        _ draft: borrowing MessageDraft, _ topic: Span<UInt8>, _ message: Span<UInt8>, _ staging: StagingBuffer
    ) {
        // What waits is staged from the schedule, where it has its id.
        guard !draft.isScheduled else { return }
        staging.append(RecordHeader(draft, topic: topic.count), topic, message)
    }

    public var nextDueMicroseconds: Int64 { state.withLock { $0.log.schedule.first?.dueMicroseconds ?? .max } }

    public func deliverDue(nowMicroseconds: Int64) -> Appended {
        var appended = Appended(told: ReaderSet())
        var fresh: SegmentStore.FreshMemory?
        var budget = Schedule.deliveriesAtOnce
        while budget > 0 {
            let step = state.withLock { deliverLocked(&$0, nowMicroseconds, &fresh) }
            switch step {
            case .done(let delivered):
                appended.told.bits |= delivered.told.bits
                appended.commit = delivered.commit
            case .needsMemory(let byteCount): fresh = SegmentStore.FreshMemory(byteCount: byteCount)
            case nil: return appended
            }
            budget -= 1
        }
        return appended
    }

    /// One message whose time has come: that it waits no more and that it is there are one append.
    private func deliverLocked(
        _ state: inout DurableState, _ nowMicroseconds: Int64, _ fresh: inout SegmentStore.FreshMemory?
    ) -> Step? {
        guard let message = state.log.dueMessage(nowMicroseconds: nowMicroseconds) else { return nil }
        let most =
            RecordHeader.storedBytes(topic: TopicName.maximumBytes, message: message.bytes.count)
            + 2 * RecordHeader.storedBytes(topic: TopicName.maximumBytes, message: TopicSettingsRecord.byteCount)
        do throws(LogError) { try state.checkRoom(most) } catch { return nil }
        let name = state.name(of: message.topic)
        let staging = state.staging
        let step = state.log.deliver(message, nowMicroseconds: nowMicroseconds, fresh: &fresh) { draft, topic, bytes in
            staging.append(RecordHeader(draft, topic: topic.count), topic, bytes)
        }
        switch step {
        case nil: return nil
        case .needsSegment(let byteCount): return .needsMemory(byteCount: byteCount)
        case .stored:
            state.stageUnscheduled(message.number, name)
            state.commits += 1
            staging.endAppend(state.commits)
            state.delivering.append((state.commits, name, message))
            var told = ReaderSet()
            guard acknowledgesAtOnce else {
                return .done(Appended(told: told, commit: Commit(rawValue: state.commits)))
            }
            while state.log.makeVisible(through: .max, told: &told) {}
            return .done(Appended(told: told))
        }
    }

    public func configure(
        _ name: Span<UInt8>, retention: RetentionPolicy, nowMicroseconds: Int64
    ) throws(LogError) -> (created: Bool, topic: TopicSnapshot, commit: Commit) {
        let result = try state.withLock { state throws(LogError) in
            try state.checkRoom(RecordHeader.storedBytes(topic: name.count, message: TopicSettingsRecord.byteCount))
            let (created, id) = try state.log.configure(name, retention: retention, nowMicroseconds: nowMicroseconds)
            state.stage(.settings, name, state.log.settings(of: id))
            while state.log.trimTopic(id, nowMicroseconds: nowMicroseconds, most: 256) == 256 {}
            return (created: created, topic: state.log.snapshot(id) ?? TopicSnapshot(), commit: commit(of: state))
        }
        // What is on disk of a topic whose bounds were lowered is dropped soon.
        upkeepBell.ring()
        return result
    }

    public func delete(_ name: Span<UInt8>) throws(LogError) -> Commit? {
        try state.withLock { state throws(LogError) in
            try state.checkRoom(RecordHeader.storedBytes(topic: name.count, message: 0))
            guard state.log.delete(name) else { return nil }
            state.stage(.deletion, name, nil)
            return commit(of: state)
        }
    }

    public func submit() { writerBell.ring() }

    private func commit(of state: borrowing DurableState) -> Commit {
        acknowledgesAtOnce ? .none : Commit(rawValue: state.commits)
    }
}

extension RecordHeader {
    /// A message's, as it is stored.
    init(_ draft: borrowing MessageDraft, topic: Int) {
        self.init(
            kind: .message, sequence: draft.sequence, timeMicroseconds: draft.timeMicroseconds, topicByteCount: topic,
            messageByteCount: draft.byteCount)
        if draft.timeToLiveMicroseconds != 0 {
            expiresMicroseconds = draft.timeMicroseconds &+ draft.timeToLiveMicroseconds
        }
        idempotency = draft.idempotency
        attributesOffset = UInt32(draft.attributesOffset)
    }
}
