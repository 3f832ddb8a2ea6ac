import Glibc
import Testing

@testable import Telemetry

private func values(_ metrics: ProcessMetrics) -> [String: Double] {
    var text = MetricsText()
    metrics.append(to: &text)
    var found: [String: Double] = [:]
    for line in String(decoding: text.bytes, as: UTF8.self).split(separator: "\n") where !line.hasPrefix("#") {
        let parts = line.split(separator: " ")
        found[String(parts[0])] = Double(parts[1])
    }
    return found
}

/// A field of `/proc/self/status`, which has the same facts in another form than what is parsed.
private func statusField(_ name: String) -> Double? {
    let text = SystemFile.read("/proc/self/status", limit: 8192).map { String(decoding: $0, as: UTF8.self) } ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix(name + ":") }
    return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Double($0) }
}

// One after another: they count descriptors and memory of the process.
@Suite(.serialized)
struct ProcessMetricsTests {
    static let names: Set = [
        "process_cpu_seconds_total", "process_resident_memory_bytes", "process_virtual_memory_bytes",
        "process_open_fds", "process_max_fds", "process_start_time_seconds", "process_threads",
    ]

    @Test
    func tellsWhatTheSystemTells() throws {
        let found = values(ProcessMetrics())
        #expect(Set(found.keys) == Self.names)
        let resident = try #require(statusField("VmRSS")) * 1024
        #expect(abs(try #require(found["process_resident_memory_bytes"]) / resident - 1) < 0.2)
        let virtual = try #require(statusField("VmSize")) * 1024
        #expect(abs(try #require(found["process_virtual_memory_bytes"]) / virtual - 1) < 0.2)
        let limit = try #require(SystemFile.descriptorLimit())
        #expect(found["process_max_fds"] == Double(limit))
    }

    @Test
    func cpuTimeIsThatOfTheProcess() throws {
        func cpuSeconds() -> Double { Double(clock()) / 1e6 }
        while cpuSeconds() < 0.03 {}
        let before = cpuSeconds()
        let found = try #require(values(ProcessMetrics())["process_cpu_seconds_total"])
        // The clock of C is cut to microseconds.
        #expect(before <= found && found <= cpuSeconds() + 1e-6)
    }

    @Test
    func startTimeIsTheSameAtEachScrapeAndNotLongAgo() throws {
        let metrics = ProcessMetrics()
        let start = try #require(values(metrics)["process_start_time_seconds"])
        #expect(values(metrics)["process_start_time_seconds"] == start)
        let now = Double(RFC3339Timestamp.now().unixMicroseconds) / 1e6
        #expect(start <= now && now - start < 3_600)
        // Another way to it: when the system started, in whole seconds, and the ticks since.
        let system = try #require(SystemFile.read("/proc/stat", limit: 1 << 20))
        let lines = String(decoding: system, as: UTF8.self).split(separator: "\n")
        let bootLine = try #require(lines.first { $0.hasPrefix("btime ") })
        let boot = try #require(Double(bootLine.dropFirst("btime ".count)))
        let own = try #require(SystemFile.read("/proc/self/stat", limit: 4096))
        let ticks = try #require(ProcessStatus(parsing: own.span)?.startTicks)
        #expect(abs(start - boot - Double(ticks) / Double(sysconf(Int32(_SC_CLK_TCK)))) < 2)
    }

    // These count in a process where no other test opens files or starts threads. The runtime still may, once or twice.

    @Test
    func countsDescriptors() async {
        await #expect(processExitsWith: .success) {
            let before = values(ProcessMetrics())["process_open_fds"]!
            let pairs = (0..<50).map { _ in DescriptorPair.pipe() }
            let opened = values(ProcessMetrics())["process_open_fds"]! - before
            precondition(opened >= 100 && opened < 110)
            withExtendedLifetime(pairs) {}
        }
    }

    @Test
    func bothWaysToCountDescriptorsAgree() async {
        await #expect(processExitsWith: .success) {
            precondition(SystemFile.listedDescriptors()! > 2)
            // The quick way is there since Linux 6.2.
            precondition((0..<100).contains { _ in SystemFile.openDescriptors() == SystemFile.listedDescriptors() })
        }
    }

    @Test
    func countsThreads() async {
        await #expect(processExitsWith: .success) {
            inParallel({
                let metrics = ProcessMetrics()
                precondition((0..<100).contains { _ in values(metrics)["process_threads"] == statusField("Threads") })
                precondition(values(metrics)["process_threads"]! >= 2)
            })
        }
    }

    @Test
    func leavesOutWhatCannotBeRead() {
        let fromProc: Set = [
            "process_resident_memory_bytes", "process_virtual_memory_bytes", "process_start_time_seconds",
            "process_threads",
        ]
        for broken in [nil, [], Array("garbage".utf8)] as [[UInt8]?] {
            #expect(Set(values(ProcessMetrics { _ in broken }).keys) == Self.names.subtracting(fromProc))
        }
        #expect(SystemFile.read("/nowhere", limit: 1) == nil)
    }

    @Test
    func readsNoMoreOfAFileThanTheLimit() {
        #expect(SystemFile.read("/proc/self/stat", limit: 3)?.count == 3)
        #expect(SystemFile.read("/proc/self", limit: 3) == nil)
    }
}
