import Arenas
import Foundation
import Testing

@testable import PubSub
@testable import SegmentLog
@testable import SimulatedStorage

/// A log on a simulated disk, through crashes, full disks and calls that fail, as one seed has it. Whatever happens, what
/// was acknowledged is there, once, in order, under the cursor it was given.
///
/// A seed that fails is printed; `POSTERN_SEED=N swift test --filter SimulationTests` plays it again.
@Suite struct SimulationTests {
    @Test(arguments: 0..<8) func whatWasAcknowledgedIsThere(part: Int) throws {
        if Self.chosenSeed != nil, part > 0 { return }
        for number in 0..<(Self.chosenSeed == nil ? Self.seedsPerPart : 1) {
            let seed = Self.chosenSeed ?? UInt64(part * 1_000_003 + number)
            let simulation = Simulation(seed: seed)
            simulation.isTracing = Self.chosenSeed != nil
            simulation.run()
            guard simulation.faults.isEmpty else {
                print("POSTERN_SEED=\(seed) fails: \(simulation.faults.joined(separator: "; "))")
                Issue.record("seed \(seed): \(simulation.faults.joined(separator: "; "))")
                return
            }
        }
    }

    #if DEBUG
        private static let seedsPerPart = 60
    #else
        private static let seedsPerPart = 500
    #endif
    private static let chosenSeed = ProcessInfo.processInfo.environment["POSTERN_SEED"].flatMap { UInt64($0) }
}

/// One run: what was done to the log, and what it has to hold.
final class Simulation {
    private struct Group {
        var commit: Commit
        var messages: [(sequence: UInt64, topic: String, text: String)]
    }

    private final class Clock: @unchecked Sendable {
        var now: Int64 = 1_000_000_000
    }

    private var random: SeededGenerator
    private let storage: SimulatedStorage
    private let configuration: SegmentLogConfiguration
    private let clock = Clock()
    private var log: SegmentLog
    private var reader: any LogReader
    private var written = 0
    /// Not settled yet.
    private var open: [Group] = []
    /// All that was ever acknowledged, by sequence number.
    private var acknowledged: [UInt64: (topic: String, text: String)] = [:]
    /// Acknowledged, refused or unknown: what a sequence number may stand for.
    private var known: [UInt64: (topic: String, text: String)] = [:]
    private var groups: [[(sequence: UInt64, topic: String, text: String)]] = []
    private var refused: Set<UInt64> = []
    private var deletedThrough: [String: UInt64] = [:]
    private(set) var faults: [String] = []

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed &* 0x9E37_79B9 &+ 7)
        storage = SimulatedStorage(seed: seed)
        var configuration = SegmentLogConfiguration()
        configuration.smallSegmentBytes = 4096
        configuration.smallTailBytes = [0, 4096, 1 << 20].randomElement(using: &random)
        configuration.stagingBytes = 64 << 10
        configuration.retention.bytes = nil
        self.configuration = configuration
        log = Self.open(storage, configuration, clock)
        reader = log.makeReader()
    }

    private static func open(
        _ storage: SimulatedStorage, _ configuration: SegmentLogConfiguration, _ clock: Clock
    ) -> SegmentLog {
        do throws(OpenError) {
            return try SegmentLog.open(
                storage: storage, path: "simulated", configuration: configuration, observer: nil,
                clock: { clock.now }
            ).log
        } catch {
            fatalError("a log cannot be opened: \(error)")
        }
    }

    /// What happens, in words, where one seed was asked for.
    private func trace(_ text: String) { if isTracing { print("  ", text) } }
    var isTracing = false

    func run() {
        for _ in 0..<60 where faults.isEmpty {
            clock.now += Int64.random(in: 0...1_000_000, using: &random)
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<45: publish()
            case 45..<65: step()
            case 65..<75:
                trace("tidy")
                log.tidy { while log.writeStep() {} }
            case 75..<78: delete()
            case 78..<82: withFaults()
            case 82..<85: fillUp()
            case 85..<90: check(isAfterCrash: false)
            case 90..<96: restart { storage.crash() }
            case 96..<98: restart { storage.kill() }
            default:
                log.finish()
                settle()
                restart { storage.kill() }
            }
        }
        while log.writeStep() {}
        settle()
        restart { storage.crash() }
    }

    private var topics: [String] { ["a", "b.c", "quiet", "d.e.f"] }

    private func publish() {
        let count = Int.random(in: 0..<10, using: &random) == 0 ? Int.random(in: 2...40, using: &random) : 1
        var bytes: [UInt8] = []
        let list = Drafts(count)
        var messages: [(topic: String, text: String)] = []
        for _ in 0..<count {
            let topic = topics.randomElement(using: &random)!
            written += 1
            let length = Int.random(in: 0..<200, using: &random)
            let text = "\(written):" + String(repeating: "x", count: length)
            guard let id = try? log.intern(Array(topic.utf8).span) else { fatalError("no room for a topic") }
            list.add(id, topic: topic, text, to: &bytes)
            messages.append((topic, text))
        }
        guard let appended = list.append(to: log, bytes, now: clock.now) else { return }
        let stored = zip(list.sequences, messages).map { ($0, $1.topic, $1.text) }
        open.append(Group(commit: appended.commit, messages: stored))
        groups.append(stored.map { (sequence: $0.0, topic: $0.1, text: $0.2) })
        for (sequence, topic, text) in stored {
            // A number that was never settled may be given again; one that was acknowledged never.
            if let before = acknowledged[sequence], before.text != text {
                faults.append("\(sequence) was given to \(before.text.prefix(8)) and again to \(text.prefix(8))")
            }
            known[sequence] = (topic, text)
            refused.remove(sequence)
        }
        trace("publish \(list.sequences.first ?? 0)...\(list.sequences.last ?? 0) commit \(appended.commit.rawValue)")
    }

    private func step() {
        _ = log.writeStep()
        settle()
        trace("step: settled \(log.settled.rawValue), \(log.health)")
    }

    /// Publishers hear what became of their messages.
    private func settle() {
        let settled = log.settled
        while let group = open.first, group.commit <= settled {
            open.removeFirst()
            switch log.verdict(on: group.commit) {
            case .stored:
                for message in group.messages { acknowledged[message.sequence] = (message.topic, message.text) }
            case .refused(.full): for message in group.messages { refused.insert(message.sequence) }
            case .refused: break
            }
        }
    }

    private func delete() {
        let topic = topics.randomElement(using: &random)!
        let last = log.state.withLock { $0.log.lastSequence }
        guard let commit = (try? log.delete(Array(topic.utf8).span)) ?? nil else { return }
        // Whether it happened is known only once it is settled; until then both would be right.
        while log.writeStep() {}
        settle()
        if log.settled >= commit, log.verdict(on: commit) == .stored { deletedThrough[topic] = last }
        trace("delete \(topic) through \(last): \(log.verdict(on: commit))")
    }

    /// Some calls fail for a while.
    private func withFaults() {
        trace("faults")
        let number = [ErrorNumber.io, ErrorNumber.noSpace].randomElement(using: &random)!
        let calls = ["pwrite", "fdatasync", "fallocate", "open", "fsync", "ftruncate", "rename", "unlink"]
        let call = calls.randomElement(using: &random)!
        var left = Int.random(in: 0..<3, using: &random)
        trace("\(call) gives \(number) after \(left)")
        storage.fault = { name, _ in
            guard name == call else { return nil }
            left -= 1
            return left < 0 ? number : nil
        }
        for _ in 0..<Int.random(in: 1...5, using: &random) {
            publish()
            step()
        }
        if Bool.random(using: &random) { log.tidy { while log.writeStep() {} } }
        storage.fault = { _, _ in nil }
        settle()
        if log.health == .failed { return restart { Bool.random(using: &random) ? storage.crash() : storage.kill() } }
        log.probe()
        check(isAfterCrash: false)
    }

    /// The disk is full, and then it is not.
    private func fillUp() {
        trace("fill up")
        let used = storage.fileNames.reduce(0) { $0 + (storage.bytes(of: $1)?.count ?? 0) }
        storage.capacity = used + Int.random(in: 0...6000, using: &random)
        for _ in 0..<Int.random(in: 1...30, using: &random) {
            publish()
            step()
        }
        log.tidy { while log.writeStep() {} }
        check(isAfterCrash: false)
        storage.capacity = .max
        log.probe()
        if log.health != .good { faults.append("the log is \(log.health) though there is room") }
        publish()
        step()
    }

    private func restart(_ end: () -> Void) {
        trace("end: files \(storage.fileNames)")
        end()
        // What was under way is in doubt: there or not, whole or not at all.
        open = []
        log = Self.open(storage, configuration, clock)
        reader = log.makeReader()
        trace("start: files \(storage.fileNames), next \(log.state.withLock { $0.log.nextSequence })")
        check(isAfterCrash: true)
    }

    // MARK: What has to be

    private func check(isAfterCrash: Bool) {
        settle()
        let found = readAll("**")
        var last: UInt64 = 0
        for message in found {
            if message.sequence <= last { return fault("\(message.sequence) follows \(last)") }
            last = message.sequence
            guard let expected = known[message.sequence] else {
                return fault("\(message.sequence) was never published")
            }
            if expected.text != message.text { return fault("\(message.sequence) is another message") }
            if refused.contains(message.sequence) { return fault("\(message.sequence) was refused, and is there") }
        }
        let there = Set(found.map(\.sequence))
        for (sequence, message) in acknowledged.sorted(by: { $0.key < $1.key }) where !there.contains(sequence) {
            if sequence <= deletedThrough[message.topic] ?? 0 { continue }
            return fault("\(sequence) was acknowledged, and is not there")
        }
        for message in found where message.sequence <= deletedThrough[known[message.sequence]!.topic] ?? 0 {
            return fault("\(message.sequence) was deleted, and is there")
        }
        if isAfterCrash { checkGroups(Dictionary(uniqueKeysWithValues: found.map { ($0.sequence, $0.text) })) }
        for topic in topics {
            let expected = found.filter { known[$0.sequence]!.topic == topic }.map(\.sequence)
            let single = readAll(topic).map(\.sequence)
            if single != expected { return fault("\(topic) alone has \(single), among all \(expected)") }
            let counted = log.topic(Array(topic.utf8).span)?.messages ?? 0
            let staged = isAfterCrash ? 0 : open.reduce(0) { $0 + $1.messages.filter { $0.topic == topic }.count }
            if counted != expected.count + staged {
                trace("\(topic) has \(expected), deleted through \(deletedThrough[topic] ?? 0)")
                trace("\(log.state.withLock { $0.catalog.segments })")
                return fault("\(topic) counts \(counted), and has \(expected.count) and \(staged) under way")
            }
        }
        // What is in doubt after a crash is there for good, or gone for good.
        if isAfterCrash {
            for message in found { acknowledged[message.sequence] = known[message.sequence] }
        }
    }

    private func checkGroups(_ there: [UInt64: String]) {
        for group in groups where group.count > 1 {
            let rest = group.filter { $0.sequence > deletedThrough[$0.topic] ?? 0 }
            let count = rest.filter { there[$0.sequence] == $0.text }.count
            if count != 0 && count != rest.count {
                return fault("of a batch at \(group[0].sequence) \(count) of \(rest.count) are there")
            }
        }
    }

    private func fault(_ text: String) { faults.append(text) }

    private func readAll(_ selection: String) -> [(sequence: UInt64, text: String)] {
        var found: [(sequence: UInt64, text: String)] = []
        let text = Array(selection.utf8)
        var position: UInt64 = 0
        while true {
            let target: ReadTarget = selection == "**" ? .pattern(text.span) : .name(text.span)
            let request = ReadRequest(
                start: .after(position), limit: 7, maximumBytes: 1 << 20, skipsGaps: true, nowMicroseconds: clock.now)
            guard
                let outcome = try? reader.read(
                    target, request,
                    { message in
                        var body: [UInt8] = []
                        for index in message.indices { body.append(message[index]) }
                        let cursor = Cursor(parsing: body[0..<Cursor.byteCount].span)
                        found.append(
                            (cursor?.sequence ?? 0, String(decoding: body.dropFirst(Drafts.frameBytes), as: UTF8.self)))
                    })
            else { return found }
            if outcome.count == 0 { return found }
            position = outcome.next
        }
    }
}

/// Drafts of one publish.
final class Drafts {
    static let frameBytes = Cursor.byteCount + Timestamp.byteCount
    private var list: DraftList

    init(_ capacity: Int) { list = DraftList(capacity: capacity) }

    func add(
        _ id: TopicID, topic: String, _ text: String, to bytes: inout [UInt8], key: IdempotencyHash? = nil,
        deliverAt due: Int64 = 0
    ) {
        let body = [UInt8](repeating: UInt8(ascii: "_"), count: Self.frameBytes) + Array(text.utf8)
        var draft = MessageDraft(
            topic: id, offset: bytes.count, byteCount: body.count, cursorOffset: 0, timeOffset: Cursor.byteCount,
            idOffset: 0, idempotency: key)
        draft.deliverMicroseconds = due
        list.append(draft)
        bytes += body
    }

    /// - Returns: nil where the log refused them.
    func append(to log: any MessageLog, _ bytes: [UInt8], now: Int64) -> Appended? {
        let appended = try? list.withDrafts { drafts throws(LogError) in
            try log.append(&drafts, bytes: bytes.span, nowMicroseconds: now)
        }
        list.withHeldDrafts { log.release($0) }
        return appended
    }

    func isDuplicate(_ index: Int) -> Bool { list[index].isDuplicate }

    var sequences: [UInt64] { (0..<list.count).map { list[$0].sequence } }
}
