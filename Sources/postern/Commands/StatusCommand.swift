import ArgumentParser
import Glibc
import PosternClient

/// `postern status`.
struct StatusCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show what a server does: traffic, the log, clients, arenas.",
        discussion: """
            On a terminal it is shown anew each second, with rates, until an interrupt; elsewhere, or with --once, once. \
            The figures are an operator's: where tokens are asked for, it wants one with --admin.
            """)

    @Flag(help: "Show it once.")
    var once = false

    @Option(
        help: ArgumentHelp("How long between two looks: 100ms to 1h. (default: 1s)", valueName: "time"),
        transform: OptionValue.time(100...3_600_000))
    var every: Int?

    @OptionGroup(title: "Server") var server: ServerOptions

    private static let clearScreen = "\u{1B}[H\u{1B}[2J"
    private static let otherScreen = "\u{1B}[?1049h\u{1B}[?25l"
    private static let ownScreen = "\u{1B}[?25h\u{1B}[?1049l"

    func perform() throws {
        let session = try Session(try server.address())
        guard !once, isatty(STDOUT_FILENO) == 1 else {
            return try Output.write(StatusView(url: session.server.url, now: try look(session), before: nil).text)
        }
        var before = try look(session)
        try Output.write(Self.otherScreen)
        // The terminal is given back as it was, whatever comes.
        defer { StandardStream.output(Self.ownScreen) }
        while !Interrupt.isPending {
            let now = try look(session)
            try Output.write(
                Self.clearScreen + StatusView(url: session.server.url, now: now, before: before).text)
            if now.nanoseconds > before.nanoseconds { before = now }
            Clock.sleep(milliseconds: every ?? 1000)
        }
    }

    private func look(_ session: Session) throws(ClientFailure) -> StatusView.Look {
        let figures = try session.request("/v1/stats").json()
        guard figures["messages"] != nil else {
            throw ClientFailure(.notUnderstood, "the server's answer has no figures as Postern has them")
        }
        return StatusView.Look(figures: figures, nanoseconds: Clock.nanoseconds)
    }
}

/// A server's figures as a screen of text.
struct StatusView {
    /// Figures, and when they were looked at.
    struct Look {
        var figures: JSONValue
        var nanoseconds: UInt64
    }

    let url: String
    let now: Look
    /// An earlier look, for rates.
    let before: Look?

    var text: String {
        let delivered = ["poll", "sse", "ndjson"]
        var lines = ["postern \(now.figures["version"]?.string ?? "?") at \(url), up \(uptime)", ""]
        lines.append(row("answered well", total("requests", "2xx"), rate("requests", "2xx")))
        lines.append(row("refused, 4xx", total("requests", "4xx"), rate("requests", "4xx")))
        lines.append(row("failed, 5xx", total("requests", "5xx"), rate("requests", "5xx")))
        lines.append("")
        lines.append(row("published", total("messages", "published"), rate("messages", "published")))
        for kind in delivered {
            lines.append(
                row("delivered, \(kind)", total("messages", "delivered", kind), rate("messages", "delivered", kind)))
        }
        lines.append(row("duplicates", total("messages", "duplicates"), rate("messages", "duplicates")))
        lines.append(row("dropped by retention", total("messages", "dropped"), rate("messages", "dropped")))
        lines += ["", row("messages kept", total("log", "messages")), row("bytes kept", size("log", "bytes"))]
        lines.append(row("segments", total("log", "segments"), size("log", "reserved_bytes") + " reserved"))
        lines.append(row("topics", total("topics")))
        lines += ["", row("connections", total("clients", "connections"))]
        lines.append(row("streams", total("clients", "streams")))
        lines.append(row("parked polls", total("clients", "poll_waiters")))
        lines.append(row("bytes to be taken", size("clients", "pending_output_bytes")))
        lines += ["", row("arenas", total("arenas", "capacity"), bar)]
        lines.append(row("leases", total("arenas", "acquires"), rate("arenas", "acquires")))
        lines.append(row("leases refused", total("arenas", "acquire_failures")))
        lines.append(row("arenas' memory", size("arenas", "reserved_bytes"), size("arenas", "idle_bytes") + " idle"))
        lines += ["", row("memory", size("process", "resident_bytes"))]
        lines.append(row("CPU", total("process", "cpu_milliseconds") + " ms", cpu))
        lines.append(row("open files", total("process", "open_files"), "of " + total("process", "open_files_limit")))
        return lines.joined(separator: "\n") + "\n"
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
