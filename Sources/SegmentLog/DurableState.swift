import Arenas
import PubSub

/// Everything that the threads of a log on disk share, behind its one lock.
struct DurableState: ~Copyable {
    var log: LogState
    var catalog: SegmentCatalog
    /// What is filled, and what is filled next; the writer has neither.
    var staging: StagingBuffer
    var spare: StagingBuffer?
    /// The newest change.
    var commits: UInt64 = 0
    var failures = FailedCommits()
    var health = LogHealth.good
    /// Up to here messages that wait are on disk.
    var settledSchedule: UInt64 = 0
    /// Messages whose time came and whose delivery is not on disk yet.
    var delivering: [(commit: UInt64, name: [UInt8], message: ScheduledMessage)] = []
    /// Full segments that have no index yet, oldest first.
    var finished: [FinishedSegment] = []
    /// Over it publishes wait until upkeep has followed.
    var mostFileBytes = Int.max
    /// What the whole log keeps.
    var retention = RetentionPolicy.unbounded
    /// Bytes of the file that is written to.
    var activeBytes = 0
    var damagedRanges = 0
    var segmentsDeleted: UInt64 = 0
    var segmentsCompacted: UInt64 = 0
    var writtenBytes: UInt64 = 0
    var commitCount: UInt64 = 0
    var oldestMicroseconds: Int64?
    var recoverySeconds = 0.0

    init(log: consuming LogState, catalog: SegmentCatalog, staging: StagingBuffer, spare: StagingBuffer) {
        self.log = log
        self.catalog = catalog
        self.staging = staging
        self.spare = spare
    }

    /// Bytes of all files.
    var fileBytes: Int { catalog.fileBytes + finished.reduce(0) { $0 + $1.dataEnd } + activeBytes }

    /// Whether there is room to stage so much.
    func checkRoom(_ byteCount: Int) throws(LogError) {
        switch health {
        case .good: break
        case .full: throw .full
        case .failed: throw .failed
        }
        guard byteCount <= staging.block.capacity else { throw .messageTooLarge }
        guard byteCount <= staging.freeBytes, finished.count <= SegmentLogConfiguration.maximumFinished,
            fileBytes <= mostFileBytes
        else { throw .behind }
    }

    /// Bytes that drafts take on disk at most.
    func stagedBytes(_ drafts: Span<MessageDraft>) -> Int {
        var total = 0
        for index in drafts.indices {
            let topic = log.topics.names.bytes(of: drafts[index].topic).count
            total += RecordHeader.storedBytes(topic: topic, message: drafts[index].byteCount)
            if drafts[index].deliverMicroseconds > 0 { total += ScheduledPayload.byteCount }
            // And what it lost, should the topic come back with it.
            total += RecordHeader.storedBytes(topic: topic, message: TopicSettingsRecord.byteCount)
        }
        return total
    }

    /// A topic that comes back remembers what it lost before; whatever else is known of it went with its last message.
    mutating func stageLossesOfNewTopics(_ drafts: Span<MessageDraft>) {
        for index in drafts.indices {
            let id = drafts[index].topic
            // Its hold is given up already; a duplicate of a message that is gone may have been the last.
            guard log.topics.names.referenceCount(of: id) > 0 else { continue }
            guard log.topics[id].lossIsRemembered else { continue }
            log.topics[id].lossIsRemembered = false
            append(.settings, log.topics.names.bytes(of: id), log.settings(of: id))
        }
    }

    /// Stages a message that waits, as it is in the schedule.
    func stage(_ message: ScheduledMessage, hash: IdempotencyHash? = nil) {
        let name = log.topics.names.bytes(of: message.topic)
        staging.append(
            RecordHeader(message, topic: name.count, sequence: log.lastSequence, time: log.newestMicroseconds, hash),
            name, ScheduledPayload(message), message.bytes.span)
    }

    /// Stages those of an append's drafts that are to wait.
    func stageNewlyScheduled(_ drafts: Span<MessageDraft>, nowMicroseconds: Int64) {
        for index in drafts.indices where drafts[index].isScheduled && !drafts[index].isDuplicate {
            let number = drafts[index].scheduleNumber
            guard let message = log.schedule.message(number) else { continue }
            stage(message, hash: drafts[index].idempotency)
        }
    }

    func stageUnscheduled(_ number: UInt64, _ name: [UInt8]) {
        let payload = Block(capacity: ScheduledPayload.numberByteCount)
        payload.store(number, at: 0)
        let header = RecordHeader(
            kind: .unscheduled, sequence: log.lastSequence, timeMicroseconds: log.newestMicroseconds,
            topicByteCount: name.count, messageByteCount: ScheduledPayload.numberByteCount)
        staging.append(header, name.span, payload.span(0..<ScheduledPayload.numberByteCount))
    }

    func name(of id: TopicID) -> [UInt8] {
        let name = log.topics.names.bytes(of: id)
        return name.indices.map { name[$0] }
    }

    /// Takes note that a batch is on disk.
    mutating func settleSchedule(_ batch: StagingBuffer) {
        settledSchedule = max(settledSchedule, batch.lastSchedule)
        if !delivering.isEmpty { delivering.removeAll { $0.commit <= batch.lastCommit } }
    }

    /// Takes back what is not on disk of what is to wait, and what was to be delivered waits again.
    mutating func takeBack() {
        log.void(from: log.visibleSequence + 1, scheduledFrom: settledSchedule + 1)
        for (_, name, message) in delivering {
            // Its topic had its place a moment ago.
            do throws(LogError) { try log.restoreScheduled(message, name.span) } catch {}
        }
        delivering = []
    }

    /// Stages what is not a message, as a change of its own: a topic's settings, or its deletion.
    mutating func stage(_ kind: RecordHeader.Kind, _ name: Span<UInt8>, _ settings: TopicSettingsRecord?) {
        append(kind, name, settings)
        commits += 1
        staging.endAppend(commits)
    }

    private func append(_ kind: RecordHeader.Kind, _ name: Span<UInt8>, _ settings: TopicSettingsRecord?) {
        let payload = Block(capacity: TopicSettingsRecord.byteCount)
        settings?.write(to: payload, at: 0)
        let byteCount = settings == nil ? 0 : TopicSettingsRecord.byteCount
        let header = RecordHeader(
            kind: kind, sequence: log.lastSequence, timeMicroseconds: log.newestMicroseconds,
            topicByteCount: name.count, messageByteCount: byteCount)
        staging.append(header, name, payload.span(0..<byteCount))
    }
}

/// Changes that failed, in ranges.
struct FailedCommits {
    private var ranges: [(first: UInt64, last: UInt64, error: LogError)] = []

    /// Ranges remembered: more than an hour of a disk that is full and empty again each second. Whoever waits asks
    /// within a turn of its loop.
    private static let maximumRanges = 4096

    mutating func add(_ first: UInt64, _ last: UInt64, _ error: LogError) {
        guard first <= last else { return }
        ranges.append((first, last, error))
        if ranges.count > Self.maximumRanges { ranges.removeFirst(Self.maximumRanges / 2) }
    }

    func error(of commit: UInt64) -> LogError? {
        ranges.last { $0.first <= commit && commit <= $0.last }?.error
    }
}

extension RecordHeader {
    /// That of a message that waits.
    init(_ message: ScheduledMessage, topic: Int, sequence: UInt64, time: Int64, _ hash: IdempotencyHash?) {
        self.init(
            kind: .scheduled, sequence: sequence, timeMicroseconds: time, topicByteCount: topic,
            messageByteCount: ScheduledPayload.byteCount + message.bytes.count)
        expiresMicroseconds = message.dueMicroseconds
        attributesOffset = UInt32(message.attributesOffset)
        idempotency = hash
    }
}

extension ScheduledPayload {
    init(_ message: ScheduledMessage) {
        self.init(
            number: message.number, timeToLiveMicroseconds: message.timeToLiveMicroseconds,
            cursorOffset: message.cursorOffset, timeOffset: message.timeOffset)
    }
}
