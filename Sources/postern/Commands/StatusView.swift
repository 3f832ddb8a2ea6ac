import PosternClient

/// A server's figures as a screen of text.
struct StatusView {
    /// Figures, and when they were looked at.
    struct Look {
        let figures: JSONValue
        let nanoseconds = Clock.nanoseconds
    }

    private let url: String
    private var now: Look
    /// An earlier look, for rates.
    private var before: Look?
    /// Why there are no newer figures.
    var trouble: String?

    init(url: String, now: Look) {
        self.url = url
        self.now = now
    }

    /// Takes up newer figures; what they are more than the last ones makes the rates.
    mutating func show(_ look: Look) {
        // A server that started anew counts from nothing.
        let isSameRun = number(look, ["uptime_seconds"]) ?? 0 >= number(now, ["uptime_seconds"]) ?? 0
        before = isSameRun ? now : nil
        now = look
        trouble = nil
    }

    /// - Parameter most: how many lines there is room for; groups stand apart where they may.
    func lines(atMost most: Int = .max) -> [String] {
        let title = "postern \(now.figures["version"]?.string ?? "?") at \(url), up \(uptime)"
        let groups = [traffic, kept, clients, arenas, process]
        let head = [title, trouble.map { "no newer figures: \($0)" } ?? ""]
        let apart = head + groups.joined(separator: [""])
        return apart.count <= most ? apart : head + groups.joined()
    }

    private var traffic: [String] {
        [
            row("answered well", total("requests", "2xx"), rate("requests", "2xx")),
            row("refused, 4xx", total("requests", "4xx"), rate("requests", "4xx")),
            row("failed, 5xx", total("requests", "5xx"), rate("requests", "5xx")),
            row("published", total("messages", "published"), rate("messages", "published")),
        ]
            + ["poll", "sse", "ndjson"].map { form in
                row("delivered, \(form)", total("messages", "delivered", form), rate("messages", "delivered", form))
            } + [row("duplicates", total("messages", "duplicates"), rate("messages", "duplicates"))]
    }

    private var kept: [String] {
        [
            row("messages kept", total("log", "messages"), "in " + count("topic", "topics")),
            row("bytes kept", size("log", "bytes"), "in " + count("segment", "log", "segments")),
            row("reserved for them", size("log", "reserved_bytes")),
            row("dropped by retention", total("messages", "dropped"), rate("messages", "dropped")),
        ]
    }

    private var clients: [String] {
        [
            row("connections", total("clients", "connections"), count("stream", "clients", "streams")),
            row("parked polls", total("clients", "poll_waiters")),
            row("bytes to be taken", size("clients", "pending_output_bytes")),
        ]
    }

    private var arenas: [String] {
        [
            row("arenas", total("arenas", "capacity"), bar),
            row("leases", total("arenas", "acquires"), rate("arenas", "acquires")),
            row("leases refused", total("arenas", "acquire_failures")),
            row("arenas' memory", size("arenas", "reserved_bytes"), size("arenas", "idle_bytes") + " idle"),
        ]
    }

    private var process: [String] {
        [
            row("memory", size("process", "resident_bytes")),
            row("CPU", total("process", "cpu_milliseconds") + " ms", cpu),
            row("open files", total("process", "open_files"), "of " + total("process", "open_files_limit")),
        ]
    }

    /// `3 d 04:05:06`
    private var uptime: String {
        guard let seconds = number(now, ["uptime_seconds"]) else { return "?" }
        func two(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
        let time = "\(two(seconds / 3600 % 24)):\(two(seconds / 60 % 60)):\(two(seconds % 60))"
        return seconds >= 86_400 ? "\(seconds / 86_400) d \(time)" : time
    }

    /// How much of a core it takes; nothing at the first look.
    private var cpu: String {
        guard let before, let new = number(now, ["process", "cpu_milliseconds"]),
            let old = number(before, ["process", "cpu_milliseconds"]), now.nanoseconds > before.nanoseconds
        else { return "" }
        let milliseconds = Double(now.nanoseconds - before.nanoseconds) / 1e6
        return "\(Int((Double(max(0, new - old)) / milliseconds * 100).rounded())) % of a core"
    }

    /// How many arenas of all are held: `[##........] 2 in use`.
    private var bar: String {
        let capacity = number(now, ["arenas", "capacity"]) ?? 0
        let used = number(now, ["arenas", "in_use"]) ?? 0
        let filled = capacity > 0 ? min(20, (used * 20 + capacity - 1) / capacity) : 0
        return "[" + String(repeating: "#", count: filled) + String(repeating: ".", count: 20 - filled)
            + "] \(used) in use"
    }

    private func row(_ name: String, _ value: String, _ more: String = "") -> String {
        "  " + Table.left(name, 22) + Table.right(value, 16) + (more.isEmpty ? "" : "   " + more)
    }

    private func number(_ look: Look, _ path: [String]) -> Int? {
        path.reduce(Optional(look.figures)) { $0?[$1] }?.integer
    }

    private func total(_ path: String...) -> String { number(now, path).map(Self.grouped) ?? "-" }

    /// A number and what it is of.
    private func count(_ noun: String, _ path: String...) -> String {
        guard let number = number(now, path) else { return "-" }
        return "\(Self.grouped(number)) \(noun)\(number == 1 ? "" : "s")"
    }

    private func size(_ path: String...) -> String {
        guard let bytes = number(now, path) else { return "-" }
        for (unit, factor) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)] where bytes >= factor {
            let tenths = bytes / (factor / 10)
            return "\(tenths / 10).\(tenths % 10) \(unit)"
        }
        return "\(bytes) B"
    }

    /// How much it grows in a second; nothing at the first look.
    private func rate(_ path: String...) -> String {
        guard let before, let new = number(now, path), let old = number(before, path),
            now.nanoseconds > before.nanoseconds
        else { return "" }
        let seconds = Double(now.nanoseconds - before.nanoseconds) / 1e9
        return Self.grouped(Int((Double(max(0, new - old)) / seconds).rounded())) + " /s"
    }

    /// `1234567` as `1,234,567`.
    static func grouped(_ number: Int) -> String {
        let digits = Array(String(number.magnitude))
        let grouped = digits.indices.map { index in
            let left = digits.count - index
            return (index > 0 && left % 3 == 0 ? "," : "") + String(digits[index])
        }
        return (number < 0 ? "-" : "") + grouped.joined()
    }
}
