import Arenas

/// The log in memory: one sequence over pooled segments behind one short lock.
///
/// Any thread may call. Messages last as long as the process and retention let them.
public final class MemoryLog: MessageLog {
    public struct Configuration: Sendable {
        /// What the whole log keeps. Bytes count whole segments, since that is what memory is taken in; two segments
        /// more may be held ready.
        public var retention = RetentionPolicy(bytes: 256 << 20)
        /// Most topics held at once: with messages, with settings, or watched.
        public var maximumTopics = 100_000
        /// Most idempotency keys remembered, and for how long.
        public var maximumIdempotencyKeys = 1 << 17
        public var idempotencyWindowMicroseconds: Int64 = 120_000_000
        /// Most messages that wait for their time.
        public var maximumScheduled = 100_000

        public init() {}

        /// Smallest byte bound of the whole log.
        public static let minimumBytes = 1 << 20

        var maximumBytes: Int { Self.maximumBytes(retention) }

        static func maximumBytes(_ retention: RetentionPolicy) -> Int {
            max(retention.bytes ?? .max / 4, minimumBytes)
        }

        /// One sixteenth of the log, so that dropping one leaves most of it; one MiB at most.
        var segmentBytes: Int { min(1 << 20, maximumBytes / 16) & ~63 }

        /// Whether a log that was made with this may keep as much instead: segments keep their size while it lives.
        public func allows(_ retention: RetentionPolicy) -> Bool {
            var other = self
            other.retention = retention
            return other.segmentBytes == segmentBytes
        }
    }

    public let epoch: Epoch
    public let idempotencyHash = KeyedHash.random()
    private let state: Locked<LogState>

    public init(configuration: Configuration = Configuration(), epoch: Epoch = .random()) {
        self.epoch = epoch
        state = Locked(LogState(configuration: configuration, epoch: epoch))
    }

    deinit { state.withLock { $0.end() } }

    public var lastSequence: UInt64 { state.withLock { $0.lastSequence } }

    public func intern(_ topic: Span<UInt8>) throws(LogError) -> TopicID {
        try state.withLock { state throws(LogError) in try state.intern(topic) }
    }

    public func release(_ drafts: Span<MessageDraft>) {
        state.withLock { state in
            for index in drafts.indices { state.topics.release(drafts[index].topic) }
        }
    }

    public func append(
        _ drafts: inout MutableSpan<MessageDraft>, bytes: Span<UInt8>, nowMicroseconds: Int64
    ) throws(LogError) -> Appended {
        var fresh: SegmentStore.FreshMemory?
        while true {
            let step = try state.withLock { state throws(LogError) in
                try state.append(
                    &drafts, bytes: bytes, nowMicroseconds: nowMicroseconds, fresh: &fresh, stored: { _, _, _ in })
            }
            switch step {
            case .stored(let readers): return Appended(told: readers)
            // Memory is brought outside the lock; another thread may have brought it meanwhile.
            case .needsSegment(let byteCount): fresh = SegmentStore.FreshMemory(byteCount: byteCount)
            }
        }
    }

    public var nextDueMicroseconds: Int64 { state.withLock { $0.schedule.first?.dueMicroseconds ?? .max } }

    public func deliverDue(nowMicroseconds: Int64) -> Appended {
        var told = ReaderSet()
        var fresh: SegmentStore.FreshMemory?
        var budget = Schedule.deliveriesAtOnce
        while budget > 0 {
            let step: LogState.AppendStep? = state.withLock { state in
                guard let message = state.dueMessage(nowMicroseconds: nowMicroseconds) else { return nil }
                return state.deliver(message, nowMicroseconds: nowMicroseconds, fresh: &fresh, stored: { _, _, _ in })
            }
            switch step {
            case .stored(let readers): told.bits |= readers.bits
            case .needsSegment(let byteCount): fresh = SegmentStore.FreshMemory(byteCount: byteCount)
            case nil: return Appended(told: told)
            }
            budget -= 1
        }
        return Appended(told: told)
    }

    public func makeReader() -> any LogReader {
        let floor = ReaderFloor()
        let index = state.withLock { $0.readers.add(floor, newsCapacity: $0.topics.indexBound) }
        return MemoryLogReader(log: self, index: index, floor: floor)
    }

    public func topic(_ name: Span<UInt8>) -> TopicSnapshot? {
        state.withLock { state in
            guard let id = state.topics.find(name) else { return nil }
            return state.snapshot(id)
        }
    }

    public func configure(
        _ name: Span<UInt8>, retention: RetentionPolicy, nowMicroseconds: Int64
    ) throws(LogError) -> (created: Bool, topic: TopicSnapshot, commit: Commit) {
        let (created, id) = try state.withLock { state throws(LogError) in
            try state.configure(name, retention: retention, nowMicroseconds: nowMicroseconds)
        }
        var more = true
        while more {
            more = state.withLock {
                $0.trimTopic(id, nowMicroseconds: nowMicroseconds, most: LogState.sweepBatch) == LogState.sweepBatch
            }
        }
        let snapshot = topic(name) ?? TopicSnapshot()
        return (created, snapshot, .none)
    }

    public func delete(_ name: Span<UInt8>) -> Commit? {
        state.withLock { $0.delete(name) } ? Commit.none : nil
    }

    // MARK: Nothing is waited for

    public func submit() {}
    public var settled: Commit { .none }
    public var health: LogHealth { .good }
    public func verdict(on commit: Commit) -> CommitVerdict { .stored }
    public func await(_ commit: Commit, reader: Int) {}
    public func start(_ wake: @escaping @Sendable (ReaderSet) -> Void) {}
    public func end() {}

    public func setRetention(_ retention: RetentionPolicy) {
        state.withLock { $0.setRetention(retention) }
    }

    public func enforceRetention(nowMicroseconds: Int64) {
        while state.withLock({ $0.sweep(nowMicroseconds: nowMicroseconds) }) {}
    }

    public func listTopics(
        prefix: Span<UInt8>, after: Span<UInt8>, limit: Int, _ body: (Span<UInt8>, TopicSnapshot) -> Void
    ) -> Bool {
        var page = TopicPage(limit: limit)
        var begin = 0
        while true {
            let bound = state.withLock { state in
                let end = min(begin + TopicPage.scanBatch, state.topics.indexBound)
                page.scan(begin..<end, of: state, prefix: prefix, after: after)
                return state.topics.indexBound
            }
            begin += TopicPage.scanBatch
            guard begin < bound else { break }
        }
        page.forEach(body)
        return page.isFull
    }

    public var statistics: LogStatistics {
        var statistics = state.withLock { $0.statistics }
        statistics.topics = statistics.internedTopics
        return statistics
    }

    // MARK: For the readers

    func withState<Result: Sendable, Failure: Error>(
        _ body: (inout LogState) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try state.withLock { state throws(Failure) in try body(&state) }
    }
}
