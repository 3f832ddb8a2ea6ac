import Foundation
import Synchronization
import Testing

@testable import PubSub
@testable import SegmentLog

/// The log with its threads, in a real directory: loops append and read while it writes, seals and drops.
@Suite struct ThreadsTests {
    private final class Signals: Sendable {
        let woken = Atomic<Int>(0)
    }

    @Test func publishersAndReadersAtOnce() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "postern-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        var configuration = SegmentLogConfiguration()
        configuration.smallSegmentBytes = 64 << 10
        configuration.smallTailBytes = 0
        configuration.stagingBytes = 4 << 20
        configuration.retention.bytes = nil
        let each = 400
        try publishAndRead(each, directory.path, configuration)
        let (again, report) = try SegmentLog.open(directory: directory.path, configuration: configuration)
        #expect(report.messages == 3 * each && report.recoveredSegments == 0 && report.segments > 3)
        again.finish()
    }

    private func publishAndRead(_ each: Int, _ directory: String, _ configuration: SegmentLogConfiguration) throws {
        let (log, _) = try SegmentLog.open(directory: directory, configuration: configuration)
        let signals = Signals()
        log.start { _ in signals.woken.add(1, ordering: .relaxed) }
        DispatchQueue.concurrentPerform(iterations: 4) { thread in
            if thread < 3 { publish(each, thread, log) } else { read(until: 3 * each, log) }
        }
        #expect(log.health == .good)
        log.end()
    }

    private func publish(_ count: Int, _ thread: Int, _ log: SegmentLog) {
        for number in 0..<count {
            var bytes: [UInt8] = []
            let list = Drafts(1)
            guard let id = try? log.intern(Array("t.\(thread)".utf8).span) else { return }
            list.add(id, topic: "t.\(thread)", "\(number) " + String(repeating: "x", count: 300), to: &bytes)
            guard let appended = list.append(to: log, bytes, now: 1_000_000_000) else { continue }
            log.submit()
            while log.settled < appended.commit { usleep(50) }
        }
    }

    private func read(until count: Int, _ log: SegmentLog) {
        let reader = log.makeReader()
        let pattern = Array("t.*".utf8)
        var position: UInt64 = 0
        var found = 0
        let deadline = Date().addingTimeInterval(60)
        while found < count, Date() < deadline {
            let request = ReadRequest(
                start: .after(position), limit: 50, maximumBytes: 1 << 20, nowMicroseconds: 1_000_000_000)
            guard let outcome = try? reader.read(.pattern(pattern.span), request, { _ in found += 1 }) else { return }
            position = outcome.next
            if outcome.count == 0 { usleep(200) }
        }
        #expect(found == count)
    }

    @Test func aSecondProcessIsRefused() throws {
        let directory = FileManager.default.temporaryDirectory.appending(path: "postern-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let (log, _) = try SegmentLog.open(directory: directory.path, configuration: SegmentLogConfiguration())
        #expect(throws: OpenError.inUse(directory.path)) {
            try SegmentLog.open(directory: directory.path, configuration: SegmentLogConfiguration())
        }
        log.finish()
    }
}
