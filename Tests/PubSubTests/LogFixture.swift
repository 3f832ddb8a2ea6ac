import Arenas

@testable import PubSub

/// A log with one reader, driven with text and a clock that the test sets.
final class LogFixture {
    let log: MemoryLog
    let reader: any LogReader
    var now: Int64 = 1_000_000_000

    init(_ change: (inout MemoryLog.Configuration) -> Void = { _ in }) {
        var configuration = MemoryLog.Configuration()
        change(&configuration)
        log = MemoryLog(configuration: configuration, epoch: Epoch(rawValue: 7))
        reader = log.makeReader()
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
        return ((0..<list.count).map { Stored(sequence: list[$0].sequence, isDuplicate: list[$0].isDuplicate) }, appended.told)
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

    func delete(_ topic: String) -> Bool { log.delete(Array(topic.utf8).span) != nil }

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
