import Configuration
import Gateway

/// Memory that requests are decoded in.
extension Settings {
    private static let defaults = GatewayConfiguration()

    static let maxBodyBytes = Setting(
        "max-body-bytes", .size(1 << 10...64 << 20), default: defaults.maximumBodyBytes, live: true,
        "Largest request body")
    static let arenaInitialBytes = Setting(
        "arena-initial-bytes", .size(8 << 10...32 << 10), default: defaults.arenaInitialBytes,
        "First chunk of an arena")
    static let arenaMaxBytes = Setting(
        "arena-max-bytes", .size(64 << 10...1 << 30), defaultText: "8 times the body limit, 16MiB at least",
        "Most one request's arena may take")
    static let arenaPoolSize = Setting(
        "arena-pool-size", .integer(1...4096), default: defaults.arenaPoolSize, "Idle arenas a loop keeps")
    static let arenaBudgetBytes = Setting(
        "arena-budget-bytes", .size(1 << 20...64 << 30), default: defaults.arenaBudgetBytes,
        "Most all arenas together may take; over it requests get 503")

    static let memory = SettingGroup(
        "Memory for requests", [maxBodyBytes, arenaInitialBytes, arenaMaxBytes, arenaPoolSize, arenaBudgetBytes])
}
