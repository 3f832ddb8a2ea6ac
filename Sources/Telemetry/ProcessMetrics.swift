import Glibc

/// The `process_*` families every Prometheus client shows, read from the system at each scrape.
///
/// What cannot be read is left out; nothing here fails. Costs some twenty microseconds. Any thread.
public struct ProcessMetrics: Sendable {
    private let startSeconds: Double?
    private let readFile: @Sendable (String) -> [UInt8]?

    /// Make it once, early: it takes the time the process started.
    public init() {
        self.init { SystemFile.read($0, limit: 4096) }
    }

    /// - Parameter readFile: stands for `/proc` in tests.
    init(readFile: @escaping @Sendable (String) -> [UInt8]?) {
        self.readFile = readFile
        startSeconds = readFile("/proc/self/stat").flatMap { ProcessStatus(parsing: $0.span) }.map { status in
            // Ticks count on the clock that began with the system; what that was by the calendar follows from
            // reading both clocks. Once only, or each correction of the calendar would move the start.
            let ticksPerSecond = Double(sysconf(Int32(_SC_CLK_TCK)))
            let age = seconds(SystemClock.now(CLOCK_BOOTTIME)) - Double(status.startTicks) / ticksPerSecond
            return ((seconds(SystemClock.now(CLOCK_REALTIME)) - age) * ticksPerSecond).rounded() / ticksPerSecond
        }
    }

    /// What holds now.
    public func read() -> ProcessFigures {
        // The CPU clock and not the ticks of `stat`: nanoseconds instead of hundredths of a second.
        var figures = ProcessFigures(cpuSeconds: seconds(SystemClock.now(CLOCK_PROCESS_CPUTIME_ID)))
        if let pages = readFile("/proc/self/statm").flatMap({ ProcessStatus.residentPages(parsing: $0.span) }) {
            figures.residentBytes = pages &* UInt64(sysconf(Int32(_SC_PAGESIZE)))
        }
        if let status = readFile("/proc/self/stat").flatMap({ ProcessStatus(parsing: $0.span) }) {
            figures.virtualBytes = status.virtualBytes
            figures.threads = status.threads
        }
        figures.openFiles = SystemFile.openDescriptors().map { UInt64($0) }
        figures.openFilesLimit = SystemFile.descriptorLimit().map { UInt64($0) }
        figures.startSeconds = startSeconds
        figures.uptimeSeconds = startSeconds.map { max(0, seconds(SystemClock.now(CLOCK_REALTIME)) - $0) }
        return figures
    }

    /// Appends all families.
    public func append(to text: inout MetricsText) {
        let figures = read()
        text.counter(
            "process_cpu_seconds_total", help: "User and system CPU time spent, in seconds.",
            value: figures.cpuSeconds)
        let gauges: [(StaticString, StaticString, UInt64?)] = [
            ("process_resident_memory_bytes", "Resident memory, in bytes.", figures.residentBytes),
            ("process_virtual_memory_bytes", "Virtual memory, in bytes.", figures.virtualBytes),
            ("process_threads", "Threads of the process.", figures.threads),
            ("process_open_fds", "Open file descriptors.", figures.openFiles),
            ("process_max_fds", "Most open file descriptors allowed.", figures.openFilesLimit),
        ]
        for (name, help, value) in gauges { if let value { text.gauge(name, help: help, value: value) } }
        if let startSeconds {
            text.gauge(
                "process_start_time_seconds", help: "When the process started, in seconds since 1970.",
                value: startSeconds)
        }
    }
}

private func seconds(_ time: timespec) -> Double {
    Double(Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)) / 1e9
}
