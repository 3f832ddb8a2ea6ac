import Arenas

@testable import PubSub
@testable import SegmentLog
@testable import SimulatedStorage

/// A log on a simulated disk, driven step by step.
final class DiskFixture {
    let storage = SimulatedStorage(seed: 1)
    private(set) var log: SegmentLog
    private(set) var reader: any LogReader
    private(set) var report = RecoveryReport()
    var configuration = SegmentLogConfiguration()
    var now: Int64 = 1_000_000_000

    init(_ change: (inout SegmentLogConfiguration) -> Void = { _ in }) throws {
        configuration.smallSegmentBytes = 8192
        configuration.smallTailBytes = 0
        configuration.stagingBytes = 1 << 20
        change(&configuration)
        (log, report) = try SegmentLog.open(
            storage: storage, path: "simulated", configuration: configuration, observer: nil,
            clock: { 1_000_000_000 })
        reader = log.makeReader()
    }

    /// Opens the log again, after `end` has happened to the one there is.
    func restart(_ end: () -> Void = {}) throws {
        end()
        (log, report) = try SegmentLog.open(
            storage: storage, path: "simulated", configuration: configuration, observer: nil,
            clock: { 1_000_000_000 })
        reader = log.makeReader()
    }

    /// Ends in order.
    func stop() {
        log.finish()
        storage.kill()
    }

    func write() { while log.writeStep() {} }

    func tidy() { log.tidy { write() } }

    /// Publishes texts as one append.
    @discardableResult
    func stage(_ topic: String, _ texts: [String]) throws -> [UInt64] {
        var bytes: [UInt8] = []
        let list = Drafts(texts.count)
        for text in texts { list.add(try log.intern(Array(topic.utf8).span), topic: topic, text, to: &bytes) }
        guard list.append(to: log, bytes, now: now) != nil else { throw LogError.failed }
        return list.sequences
    }

    /// Publishes, and has it written.
    @discardableResult
    func publish(_ topic: String, _ text: String) throws -> UInt64 {
        let sequence = try stage(topic, [text])[0]
        write()
        return sequence
    }

    func read(
        _ selection: String, after position: UInt64 = 0, skipsGaps: Bool = false
    ) throws(ReadError) -> (texts: [String], outcome: ReadOutcome) {
        let text = Array(selection.utf8)
        let target: ReadTarget = selection.contains("*") ? .pattern(text.span) : .name(text.span)
        let request = ReadRequest(
            start: .after(position), limit: 1000, maximumBytes: 1 << 20, skipsGaps: skipsGaps, nowMicroseconds: now)
        var texts: [String] = []
        let outcome = try reader.read(target, request) { message in
            var body: [UInt8] = []
            for index in message.indices { body.append(message[index]) }
            texts.append(String(decoding: body.dropFirst(Drafts.frameBytes), as: UTF8.self))
        }
        return (texts, outcome)
    }

    func texts(_ selection: String, after position: UInt64 = 0) -> [String] {
        (try? read(selection, after: position).texts) ?? ["gone"]
    }

    /// Where `text` stands in the files.
    func place(of text: String) -> (file: String, offset: Int)? {
        for name in storage.fileNames {
            guard let bytes = storage.bytes(of: name) else { continue }
            let wanted = Array(text.utf8)
            guard bytes.count >= wanted.count else { continue }
            for offset in 0...(bytes.count - wanted.count) where Array(bytes[offset..<offset + wanted.count]) == wanted
            {
                return (name, offset)
            }
        }
        return nil
    }

    func damage(_ text: String) {
        guard let (file, offset) = place(of: text) else { fatalError("\(text) is in no file") }
        storage.flip(file, at: offset)
    }
}
