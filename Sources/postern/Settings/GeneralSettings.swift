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
    static let logLevel = Setting("log-level", .logLevel, default: .info, live: true, "What is logged")

    static let general = SettingGroup(
        "General", [loops, maxConnections, drainTimeout, stallTimeout, console, traceAttribute, logLevel])
}

extension SettingForm where Value == LogLevel {
    fileprivate static var logLevel: Self { choice("level") }
}
