import Arenas
import PubSub

/// What segments' indexes say of topics, settings, idempotency keys and damage, gathered over all of them.
struct SegmentContents {
    private let storage: any LogStorage
    private let identity: LogIdentity
    private var topics: [Topic] = []
    private var controls: [Control] = []
    private var keys: [IdempotencyWindow.Entry] = []
    private(set) var damage: [RecoveryReport.Damage] = []
    /// Messages that wait, by number, and their topics' names.
    private var waiting: [UInt64: (name: [UInt8], message: ScheduledMessage)] = [:]
    private var lastNumber: UInt64 = 0

    struct Topic {
        var name: [UInt8]
        var count: Int
        var bytes: Int
        var first: UInt64
        var last: UInt64
        var firstMicroseconds: Int64
    }

    private struct Control {
        var name: [UInt8]
        var sequence: UInt64
        /// Nil for a deletion.
        var settings: TopicSettingsRecord?
    }

    init(storage: any LogStorage, identity: LogIdentity) {
        self.storage = storage
        self.identity = identity
    }

    /// - Parameter since: idempotency keys before this are of no use any more.
    func read(_ segments: [SealedSegment], since: Int64) throws(StorageError) -> SegmentContents {
        var contents = self
        let reader = SegmentReader(storage: storage, identity: identity)
        for segment in segments {
            try reader.open(segment)
            try contents.readControls(segment)
            if segment.lastMicroseconds > since { try contents.readKeys(segment) }
            try contents.readDamage(segment)
        }
        // Up to where a topic's messages were deleted, or dropped: those are not to come back.
        var floors: [[UInt8]: UInt64] = [:]
        for control in contents.controls {
            floors[control.name, default: 0].rise(to: control.settings?.lostThrough ?? control.sequence)
        }
        for segment in segments {
            try reader.open(segment)
            try contents.readTopics(segment, reader, floors)
        }
        return contents
    }

    private func section(_ segment: SealedSegment, _ offset: Int, _ byteCount: Int) throws(StorageError) -> Block {
        let block = Block(capacity: byteCount)
        guard byteCount > 0 else { return block }
        let file = try storage.open(segment.name.text, creating: false)
        defer { storage.close(file) }
        _ = try storage.read(file, at: offset, into: block, 0..<byteCount)
        return block
    }

    private mutating func readControls(_ segment: SealedSegment) throws(StorageError) {
        guard segment.controlCount > 0 else { return }
        let offsets = try section(segment, segment.controlsOffset, segment.controlCount * 4)
        let window = FileWindow(storage: storage, smallestAhead: 4096, largestAhead: 256 << 10)
        try window.open(segment.name.text)
        for index in 0..<segment.controlCount {
            let offset = Int(offsets.load(index * 4, as: UInt32.self))
            guard let (header, at) = try window.record(at: offset, tag: identity.tag) else { continue }
            let name = copy(window.block, at + header.topicRange.lowerBound, header.topicByteCount)
            let payload = at + header.messageRange.lowerBound
            switch header.kind {
            case .settings:
                guard
                    let settings = TopicSettingsRecord(
                        parsing: window.block, at: payload, byteCount: header.messageRange.count)
                else { continue }
                controls.append(Control(name: name, sequence: header.sequence, settings: settings))
            case .deletion:
                controls.append(Control(name: name, sequence: header.sequence))
                waiting = waiting.filter { $0.value.name != name }
            case .scheduled: keepWaiting(header, name, window.block, payload)
            case .unscheduled:
                guard header.messageRange.count >= ScheduledPayload.numberByteCount else { continue }
                let number = window.block.load(payload, as: UInt64.self)
                waiting[number] = nil
                if number <= LogFormat.maximumSequence { lastNumber = max(lastNumber, number) }
            case .message: continue
            }
        }
    }

    private mutating func keepWaiting(_ header: RecordHeader, _ name: [UInt8], _ block: Block, _ at: Int) {
        guard let payload = ScheduledPayload(parsing: block, at: at, byteCount: header.messageRange.count),
            Int(header.attributesOffset) <= header.messageRange.count - ScheduledPayload.byteCount
        else { return }
        lastNumber = max(lastNumber, payload.number)
        waiting[payload.number] = (
            name,
            ScheduledMessage(
                number: payload.number, dueMicroseconds: header.expiresMicroseconds, topic: TopicID(rawValue: 0),
                timeToLiveMicroseconds: payload.timeToLiveMicroseconds, cursorOffset: payload.cursorOffset,
                timeOffset: payload.timeOffset, attributesOffset: Int(header.attributesOffset),
                bytes: copy(
                    block, at + ScheduledPayload.byteCount, header.messageRange.count - ScheduledPayload.byteCount),
                writtenBehind: header.sequence)
        )
    }

    private mutating func readKeys(_ segment: SealedSegment) throws(StorageError) {
        let block = try section(segment, segment.keysOffset, segment.keyCount * SealedSegment.keyBytes)
        for index in 0..<segment.keyCount {
            let offset = index * SealedSegment.keyBytes
            keys.append(
                .init(
                    hash: IdempotencyHash(high: block.load(offset), low: block.load(offset + 8)),
                    sequence: block.load(offset + 16), timeMicroseconds: block.load(offset + 24)))
        }
    }

    private mutating func readDamage(_ segment: SealedSegment) throws(StorageError) {
        let block = try section(segment, segment.damageOffset, segment.damageCount * SealedSegment.damageBytes)
        for index in 0..<segment.damageCount {
            let offset = index * SealedSegment.damageBytes
            let (first, last): (UInt64, UInt64) = (block.load(offset), block.load(offset + 8))
            guard first <= last, last <= segment.lastSequence else { continue }
            damage.append(.init(segment: segment.name.text, first: first, last: last))
        }
    }

    private mutating func readTopics(
        _ segment: SealedSegment, _ reader: SegmentReader, _ floors: [[UInt8]: UInt64]
    ) throws(StorageError) {
        guard segment.topicCount > 0 else { return }
        let directory = try section(segment, segment.directoryOffset, segment.controlsOffset - segment.directoryOffset)
        let names = segment.namesOffset - segment.directoryOffset
        for index in 0..<segment.topicCount {
            let entry = DirectoryEntry(parsing: directory, at: index * SealedSegment.directoryEntryBytes)
            let name = copy(directory, names + entry.nameOffset, entry.nameByteCount)
            var topic = Topic(
                name: name, count: entry.count, bytes: entry.bytes,
                first: segment.firstSequence + UInt64(entry.firstDelta),
                last: segment.firstSequence + UInt64(entry.lastDelta), firstMicroseconds: entry.firstMicroseconds)
            let floor = floors[name] ?? 0
            guard floor < topic.last else { continue }
            if floor >= topic.first { try recount(&topic, behind: floor, reader) }
            topics.append(topic)
        }
    }

    /// Counts what is left of a topic of which some in the middle of the segment are gone.
    private func recount(_ topic: inout Topic, behind floor: UInt64, _ reader: SegmentReader) throws(StorageError) {
        topic.count = 0
        topic.bytes = 0
        guard var walk = try reader.walk(topic.name.span, after: floor) else { return }
        while true {
            switch try reader.next(&walk) {
            case .message(let found):
                if topic.count == 0 {
                    topic.first = found.header.sequence
                    topic.firstMicroseconds = found.header.timeMicroseconds
                }
                topic.count += 1
                topic.bytes += found.header.messageRange.count
            case .damaged: continue
            case .end: return
            }
        }
    }

    private func copy(_ block: Block, _ offset: Int, _ count: Int) -> [UInt8] {
        let span = block.span(offset..<offset + count)
        return span.indices.map { span[$0] }
    }

    /// The names of all topics that a segment says something of.
    func names(in segment: SealedSegment) throws(StorageError) -> [[UInt8]] {
        var contents = self
        try contents.readControls(segment)
        let reader = SegmentReader(storage: storage, identity: identity)
        try reader.open(segment)
        try contents.readTopics(segment, reader, [:])
        return Array(Set(contents.topics.map(\.name) + contents.controls.map(\.name)))
    }

    /// Ranges of a segment's messages that are lost.
    func damage(in segment: SealedSegment) throws(StorageError) -> [RecoveryReport.Damage] {
        var contents = self
        try contents.readDamage(segment)
        return contents.damage
    }

    /// What a segment's directory says of its topics.
    func topics(in segment: SealedSegment) throws(StorageError) -> [Topic] {
        var contents = self
        try contents.readTopics(segment, SegmentReader(storage: storage, identity: identity), [:])
        return contents.topics
    }

    /// Hands everything to a log's state.
    func restore(
        to log: inout LogState, windowMicroseconds: Int64, nowMicroseconds: Int64
    ) throws(LogError) {
        for topic in topics {
            try log.restore(
                topic.name.span, messages: topic.count, bytes: topic.bytes, first: topic.first, last: topic.last,
                createdMicroseconds: topic.firstMicroseconds)
        }
        for control in controls {
            let none = TopicSettingsRecord(createdMicroseconds: 0, lostThrough: 0, retention: nil)
            try log.restoreSettings(control.name.span, control.settings ?? none)
        }
        for (name, message) in waiting.values.sorted(by: { $0.message.number < $1.message.number }) {
            try log.restoreScheduled(message, name.span)
        }
        log.schedule.lastNumber = max(log.schedule.lastNumber, lastNumber)
        for key in keys.suffix(log.idempotency.capacity)
        where key.timeMicroseconds + windowMicroseconds > nowMicroseconds {
            log.idempotency.insert(key)
        }
    }
}

extension UInt64 {
    fileprivate mutating func rise(to other: UInt64) { self = Swift.max(self, other) }
}
