import Arenas

/// Everything the in-memory log knows, behind its one lock.
struct LogState: ~Copyable {
    let epoch: Epoch
    let retention: RetentionPolicy
    let maximumBytes: Int
    var segments: SegmentStore
    var topics: TopicTable
    var idempotency: IdempotencyWindow
    var readers = ReaderTable()
    /// The next message's sequence number, and the oldest that is still there (equal when there is none).
    var nextSequence: UInt64 = 1
    var earliestSequence: UInt64 = 1
    /// Time never runs backwards in the log, whatever the system's clock does.
    var lastTimeMicroseconds: Int64 = 0
    var timeText = TimestampText()
    var messageCount = 0
    var byteCount = 0
    var published: UInt64 = 0
    var duplicates: UInt64 = 0
    var droppedByRetention: UInt64 = 0
    /// Where the sweep over topics with an age bound stands.
    var sweepPosition = 0

    init(configuration: MemoryLog.Configuration, epoch: Epoch) {
        self.epoch = epoch
        retention = configuration.retention
        maximumBytes = configuration.maximumBytes
        segments = SegmentStore(segmentBytes: configuration.segmentBytes, maximumBytes: configuration.maximumBytes)
        topics = TopicTable(maximumTopics: configuration.maximumTopics)
        idempotency = IdempotencyWindow(
            capacity: configuration.maximumIdempotencyKeys,
            windowMicroseconds: configuration.idempotencyWindowMicroseconds)
    }

    /// The newest message's sequence number; 0 before the first.
    var lastSequence: UInt64 { nextSequence - 1 }

    // MARK: Topics

    mutating func intern(_ name: Span<UInt8>) throws(LogError) -> TopicID {
        let id = try topics.intern(name)
        readers.reserveNews(topics.indexBound)
        return id
    }

    func snapshot(_ id: TopicID) -> TopicSnapshot? {
        let state = topics[id]
        guard state.exists else { return nil }
        var snapshot = TopicSnapshot()
        snapshot.messages = state.messageCount
        snapshot.bytes = state.byteCount
        if state.messageCount > 0 {
            snapshot.earliest = state.firstSequence
            snapshot.latest = state.lastSequence
        }
        snapshot.createdMicroseconds = state.createdMicroseconds
        snapshot.retention = state.retention ?? .unbounded
        return snapshot
    }

    mutating func configure(
        _ name: Span<UInt8>, retention: RetentionPolicy, nowMicroseconds: Int64
    ) throws(LogError) -> (created: Bool, id: TopicID) {
        let id = try intern(name)
        let created = !topics[id].exists
        if created { topics[id].createdMicroseconds = nowMicroseconds }
        // The settings hold the topic once; a second `configure` keeps that hold and gives its own up.
        if topics[id].retention != nil { topics.release(id) }
        topics[id].retention = retention
        return (created, id)
    }

    /// Drops settings and messages. What a publisher deletes on purpose is not reported as lost.
    mutating func delete(_ name: Span<UInt8>) -> Bool {
        guard let id = topics.find(name), topics[id].exists else { return false }
        let hadMessages = topics[id].messageCount > 0
        let hadSettings = topics[id].retention != nil
        messageCount -= topics[id].messageCount
        byteCount -= topics[id].byteCount
        topics[id].messageCount = 0
        topics[id].byteCount = 0
        topics[id].first = .none
        topics[id].last = .none
        topics[id].firstSequence = .max
        topics[id].retention = nil
        if hadMessages { topics.release(id) }
        if hadSettings { topics.release(id) }
        return true
    }

    /// Lets go of every topic, so that the names' pool can see at its end whether a hold was forgotten.
    mutating func end() {
        while dropOldestMessage() {}
        for index in 0..<topics.indexBound {
            let id = TopicID(rawValue: UInt32(index))
            guard topics[id].isLive else { continue }
            let watches = topics[id].watchers.nonzeroBitCount
            let settings = topics[id].retention == nil ? 0 : 1
            for _ in 0..<(watches + settings) { topics.release(id) }
        }
    }

    var statistics: LogStatistics {
        var result = LogStatistics()
        result.messages = messageCount
        result.bytes = byteCount
        result.segments = segments.liveCount
        result.reservedBytes = segments.reservedBytes
        result.internedTopics = topics.names.count
        result.internedBytes = topics.names.byteCount
        result.published = published
        result.duplicates = duplicates
        result.droppedByRetention = droppedByRetention
        result.lastSequence = lastSequence
        result.idempotencyKeys = idempotency.count
        result.idempotencyEvictions = idempotency.evictions
        return result
    }
}
