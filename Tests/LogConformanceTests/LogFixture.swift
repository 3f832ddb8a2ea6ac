import Arenas
@testable import SimulatedStorage

@testable import PubSub
@testable import SegmentLog

/// Which log a test runs against: all promise the same.
enum LogKind: CaseIterable, Sendable {
    /// All in memory.
    case memory
    /// On disk, and in memory still.
    case disk
    /// On disk alone: after each change the segment is ended and its memory let go.
    case cold
    /// On disk, and opened anew after each change.
    case restarted
}

/// A log with one reader, driven with text and a clock that the test sets.
final class LogFixture {
    private final class Clock: @unchecked Sendable {
        var now: Int64 = 1_000_000_000
    }

    private final class Woken: @unchecked Sendable {
        var readers = ReaderSet()
    }

    let kind: LogKind
    private(set) var log: any MessageLog
    private(set) var reader: any LogReader
    private let clock = Clock()
    private let woken = Woken()
    private let storage = SimulatedStorage(seed: 1)
    private let configuration: SegmentLogConfiguration

    var now: Int64 {
        get { clock.now }
        set { clock.now = newValue }
    }

    init(_ kind: LogKind, _ change: (inout MemoryLog.Configuration) -> Void = { _ in }) {
        self.kind = kind
        var memory = MemoryLog.Configuration()
        change(&memory)
        var disk = SegmentLogConfiguration()
        disk.retention.count = memory.retention.count
        disk.retention.ageMicroseconds = memory.retention.ageMicroseconds
        disk.maximumTopics = memory.maximumTopics
        disk.maximumScheduled = memory.maximumScheduled
        disk.smallSegmentBytes = 8192
        disk.smallTailBytes = kind == .disk ? nil : 0
        disk.stagingBytes = 1 << 20
        configuration = disk
        if kind == .memory {
            log = MemoryLog(configuration: memory, epoch: Epoch(rawValue: 7))
        } else {
            log = Self.open(storage, disk, clock, woken)
        }
        reader = log.makeReader()
    }

    private static func open(
        _ storage: SimulatedStorage, _ configuration: SegmentLogConfiguration, _ clock: Clock, _ woken: Woken
    ) -> SegmentLog {
        do throws(OpenError) {
            let (log, _) = try SegmentLog.open(
                storage: storage, path: "simulated", configuration: configuration, observer: nil,
                clock: { clock.now })
            log.setWake { woken.readers.bits |= $0.bits }
            return log
        } catch {
            fatalError("\(error)")
        }
    }

    /// Brings a log on disk to where its threads would have brought it.
    func settle() {
        guard let disk = log as? SegmentLog else { return }
        while disk.writeStep() {}
        if kind != .disk { disk.endSegment() }
        disk.tidy { while disk.writeStep() {} }
        if kind != .disk { disk.endSegment() }
    }

    /// Opens the log anew, as a new process would; readers begin anew too.
    func restart() {
        guard let disk = log as? SegmentLog else { return }
        disk.finish()
        storage.kill()
        log = Self.open(storage, configuration, clock, woken)
        reader = log.makeReader()
    }

    func enforceRetention() {
        log.enforceRetention(nowMicroseconds: now)
        settle()
    }

    func configure(_ topic: String, _ policy: RetentionPolicy) throws(LogError) -> Bool {
        let created = try log.configure(Array(topic.utf8).span, retention: policy, nowMicroseconds: now).created
        settle()
        return created
    }

    struct Stored: Equatable {
        var sequence: UInt64
        var isDuplicate: Bool
    }

    /// Publishes texts, all of them or none.
    @discardableResult
    func publish(_ messages: [(topic: String, text: String)], ttl: Int64 = 0, key: String? = nil) throws(LogError) -> (
        stored: [Stored], told: ReaderSet
    ) {
        var bytes: [UInt8] = []
        var list = DraftList(capacity: max(messages.count, 1))
        for message in messages {
            let body = Self.frame(message.text)
            let hash = key.map { IdempotencyHash(high: 1, low: UInt64(truncatingIfNeeded: $0.hashValue)) }
            list.append(
                MessageDraft(
                    topic: try log.intern(Array(message.topic.utf8).span), offset: bytes.count, byteCount: body.count,
                    cursorOffset: 0, timeOffset: Cursor.byteCount, idOffset: 0, timeToLiveMicroseconds: ttl,
                    idempotency: hash))
            bytes += body
        }
        defer { list.withHeldDrafts { log.release($0) } }
        let appended = try list.withDrafts { drafts throws(LogError) in
            try log.append(&drafts, bytes: bytes.span, nowMicroseconds: now)
        }
        let stored = (0..<list.count).map {
            Stored(sequence: list[$0].sequence, isDuplicate: list[$0].isDuplicate)
        }
        woken.readers = appended.told
        settle()
        if kind == .restarted, woken.readers.isEmpty { restart() }
        return (stored, woken.readers)
    }

    /// Publishes a message that is to wait.
    /// - Returns: its schedule number, and whether it repeats one; nil where the log has no room.
    @discardableResult
    func schedule(
        _ topic: String, _ text: String, at due: Int64, ttl: Int64 = 0, key: String? = nil
    ) throws(LogError) -> (number: UInt64, isDuplicate: Bool) {
        var list = DraftList(capacity: 1)
        let body = Self.frame(text)
        var draft = MessageDraft(
            topic: try log.intern(Array(topic.utf8).span), offset: 0, byteCount: body.count, cursorOffset: 0,
            timeOffset: Cursor.byteCount, idOffset: 0, timeToLiveMicroseconds: ttl,
            idempotency: key.map { IdempotencyHash(high: 2, low: UInt64(truncatingIfNeeded: $0.hashValue)) })
        draft.deliverMicroseconds = due
        list.append(draft)
        defer { list.withHeldDrafts { log.release($0) } }
        _ = try list.withDrafts { drafts throws(LogError) in
            try log.append(&drafts, bytes: body.span, nowMicroseconds: now)
        }
        settle()
        if kind == .restarted { restart() }
        return (list[0].scheduleNumber, list[0].isDuplicate)
    }

    func deliverDue() {
        _ = log.deliverDue(nowMicroseconds: now)
        settle()
        if kind == .restarted { restart() }
    }

    @discardableResult
    func publish(_ topic: String, _ text: String, ttl: Int64 = 0, key: String? = nil) throws(LogError) -> Stored {
        try publish([(topic, text)], ttl: ttl, key: key).stored[0]
    }

    /// Reads and returns the texts.
    func read(
        _ selection: String, _ start: ReadRequest.Start = .earliest, limit: Int = 1000, bytes: Int = 1 << 20,
        skipsGaps: Bool = false, watches: Bool = false
    ) throws(ReadError) -> (texts: [String], outcome: ReadOutcome) {
        let request = ReadRequest(
            start: start, limit: limit, maximumBytes: bytes, skipsGaps: skipsGaps, watches: watches,
            nowMicroseconds: now)
        let text = Array(selection.utf8)
        var texts: [String] = []
        let isPattern = selection.contains("*") || selection.contains(",")
        let target: ReadTarget = isPattern ? .pattern(text.span) : .name(text.span)
        let outcome = try reader.read(target, request) { message in texts.append(Self.text(of: message)) }
        return (texts, outcome)
    }

    func texts(_ selection: String, _ start: ReadRequest.Start = .earliest) -> [String] {
        (try? read(selection, start).texts) ?? ["gone"]
    }

    func snapshot(_ topic: String) -> TopicSnapshot? { log.topic(Array(topic.utf8).span) }

    func delete(_ topic: String) -> Bool {
        let existed = (try? log.delete(Array(topic.utf8).span)) ?? nil
        settle()
        return existed != nil
    }

    func news() -> [String] {
        var names: [String] = []
        reader.takeNews { _, name in names.append(string(name)) }
        return names
    }

    /// A stored message of a test: the places for cursor and time, then the text.
    static let frameBytes = Cursor.byteCount + Timestamp.byteCount
    private static func frame(_ text: String) -> [UInt8] {
        Array(repeating: UInt8(ascii: "_"), count: frameBytes) + Array(text.utf8)
    }
    private static func text(of message: Span<UInt8>) -> String {
        string(message.extracting(frameBytes..<message.count))
    }
}

func string(_ bytes: Span<UInt8>) -> String {
    var copy: [UInt8] = []
    for index in bytes.indices { copy.append(bytes[index]) }
    return String(decoding: copy, as: UTF8.self)
}
