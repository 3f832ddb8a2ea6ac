import Configuration
import Gateway
import Telemetry

/// What concerns the server as a whole.
extension Settings {
    private static let defaults = GatewayConfiguration()

    static let loops = Setting(
        "loops", .integer(1...64), defaultText: "one a core", "Event loops, each a thread")
    static let maxConnections = Setting(
        "max-connections", .integer(1...1_000_000), default: defaults.maximumConnections, live: true,
        "Most connections at a time")
    static let drainTimeout = Setting(
        "drain-timeout", .time(0...3_600_000), default: defaults.drainTimeoutMilliseconds, live: true,
        "How long to finish requests under way at the end")
    static let stallTimeout = Setting(
        "stall-timeout", .time(1000...3_600_000), default: defaults.stallTimeoutMilliseconds, live: true,
        "A client that takes nothing of what it is sent is cut off after so long")
    static let console = Setting(
        "console", .toggle, default: defaults.servesConsole, live: true,
        "Serve the browser's page at /: on or off.")
    static let traceAttribute = Setting(
        "trace-attribute", .toggle, default: defaults.keepsTraceContext, live: true,
        "Keep a publish's traceparent (W3C Trace Context) as an attribute of its messages: on or off.")
    static let accessLog = Setting(
        "access-log", .sample, default: 0,
        """
        Log requests: off, all, or one in so many, such as 1/100; with it every answer of 500 and above. Paths are shown, \
        queries and tokens are not.
        """)
    static let logLevel = Setting("log-level", .logLevel, default: .info, live: true, "What is logged")

    static let general = SettingGroup(
        "General", [loops, maxConnections, drainTimeout, stallTimeout, console, accessLog, traceAttribute, logLevel])
}

extension SettingForm where Value == Int {
    /// One in so many; 0 for none.
    fileprivate static var sample: Self {
        Self(
            valueName: "share",
            read: { written throws(SettingRefusal) in
                if written == "off" || written == "false" { return 0 }
                if written == "all" || written == "true" { return 1 }
                guard written.hasPrefix("1/"), let every = Int(written.dropFirst(2)), (1...1_000_000).contains(every)
                else { throw SettingRefusal("off, all or 1/N, with N from 1 to 1000000, is wanted, not '\(written)'") }
                return every
            }, text: { $0 == 0 ? "off" : $0 == 1 ? "all" : "1/\($0)" })
    }
}

extension SettingForm where Value == LogLevel {
    fileprivate static var logLevel: Self { choice("level") }
}
