import Arenas

/// Everything a log knows of its messages, behind its one lock.
///
/// The log in memory keeps all of them here. The log on disk keeps the newest here, in a *window*: what is older is read
/// from its files, and `ReadProgress.diskThrough` says up to where.
package struct LogState: ~Copyable {
    /// Where messages stand for good.
    package enum Home: Sendable { case memory, disk }

    let epoch: Epoch
    let home: Home
    private(set) var retention: RetentionPolicy
    private(set) var maximumBytes: Int
    var segments: SegmentStore
    package var topics: TopicTable
    package var idempotency: IdempotencyWindow
    package var readers = ReaderTable()
    /// The next message's sequence number, and the oldest that is still there (equal when there is none).
    package internal(set) var nextSequence: UInt64 = 1
    package var earliestSequence: UInt64 = 1
    /// The newest message that readers are served. In memory that is the newest of all; on disk it follows behind, as
    /// what could still be lost is not shown.
    package internal(set) var visibleSequence: UInt64 = 0
    /// Messages on disk are lost, and whose they were nobody knows: reads of any topic look there.
    package var hasDamage = false
    /// Messages that wait for their time.
    package var schedule: Schedule
    /// How many were taken in to wait.
    var scheduled: UInt64 = 0
    /// How many topics somebody watches.
    var watchedTopics = 0
    /// Time never runs backwards in the log, whatever the system's clock does.
    var lastTimeMicroseconds: Int64 = 0
    var timeText = TimestampText()
    package var messageCount = 0
    package var byteCount = 0
    var published: UInt64 = 0
    var duplicates: UInt64 = 0
    package var droppedByRetention: UInt64 = 0
    private var deletions: UInt64 = 0
    /// Grows whenever messages are dropped, by retention or on purpose.
    package var drops: UInt64 { droppedByRetention &+ deletions }
    /// Where the sweep over topics with an age bound stands.
    var sweepPosition = 0

    package init(configuration: MemoryLog.Configuration, epoch: Epoch, home: Home = .memory) {
        self.epoch = epoch
        self.home = home
        retention = configuration.retention
        maximumBytes = configuration.maximumBytes
        segments = SegmentStore(segmentBytes: configuration.segmentBytes, maximumBytes: configuration.maximumBytes)
        topics = TopicTable(maximumTopics: configuration.maximumTopics)
        schedule = Schedule(maximumCount: configuration.maximumScheduled)
        idempotency = IdempotencyWindow(
            capacity: configuration.maximumIdempotencyKeys,
            windowMicroseconds: configuration.idempotencyWindowMicroseconds)
    }

    /// The newest message's sequence number; 0 before the first.
    package var lastSequence: UInt64 { nextSequence - 1 }

    // MARK: Topics

    package mutating func intern(_ name: Span<UInt8>) throws(LogError) -> TopicID {
        let id = try topics.intern(name)
        readers.reserveNews(topics.indexBound)
        return id
    }

    /// Keeps so much from now on. What is over it goes with the next appends and sweeps.
    mutating func setRetention(_ retention: RetentionPolicy) {
        self.retention = retention
        maximumBytes = MemoryLog.Configuration.maximumBytes(retention)
        segments.reserve(maximumBytes: maximumBytes)
    }

    /// The same for the part in memory of a log on disk, whose bytes are bounded by what is still to be written.
    package mutating func setRetention(count: Int?) { retention.count = count }

    package func snapshot(_ id: TopicID) -> TopicSnapshot? {
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

    package mutating func configure(
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
    package mutating func delete(_ name: Span<UInt8>) -> Bool {
        guard let id = topics.find(name) else { return false }
        topics.retain(id)
        defer { topics.release(id) }
        let hadWaiting = unschedule(id)
        guard topics[id].exists else { return hadWaiting }
        let hadMessages = topics[id].messageCount > 0
        deletions &+= 1
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
    package mutating func end() {
        endSchedule()
        if home == .memory { while dropOldestMessage() {} }
        for index in 0..<topics.indexBound {
            let id = TopicID(rawValue: UInt32(index))
            guard topics[id].isLive else { continue }
            let watches = topics[id].watchers.nonzeroBitCount
            let settings = topics[id].retention == nil ? 0 : 1
            let messages = topics[id].messageCount > 0 ? 1 : 0
            for _ in 0..<(watches + settings + messages) { topics.release(id) }
        }
    }

    package var statistics: LogStatistics {
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
        result.scheduled = scheduled
        result.waiting = schedule.count
        result.lastSequence = visibleSequence
        result.idempotencyKeys = idempotency.count
        result.idempotencyEvictions = idempotency.evictions
        return result
    }
}
