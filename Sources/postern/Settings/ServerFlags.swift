import ArgumentParser
import Configuration

/// Every setting's flag, and the file's.
struct ServerFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A file of settings, in TOML (see: postern config default). Flags and variables beat it. (default: none)",
            valueName: "file"),
        completion: .file())
    var config: String?

    @OptionGroup(title: Settings.network.title)
    var network: NetworkFlags

    @OptionGroup(title: Settings.access.title)
    var access: AccessFlags

    @OptionGroup(title: Settings.limits.title)
    var limit: LimitFlags

    @OptionGroup(title: Settings.storage.title)
    var storage: StorageFlags

    @OptionGroup(title: Settings.streams.title)
    var stream: StreamFlags

    @OptionGroup(title: Settings.memory.title)
    var memory: MemoryFlags

    @OptionGroup(title: Settings.general.title)
    var general: GeneralFlags

    /// The texts that were given, by settings' names.
    var given: [String: String] {
        let groups: [any SettingFlags] = [network, access, limit, storage, stream, memory, general]
        return groups.reduce(into: [:]) { texts, group in texts.merge(group.given) { _, new in new } }
    }
}

struct NetworkFlags: SettingFlags {
    @Option(Settings.listen) var listen: String?
    @Option(Settings.adminListen) var adminListen: String?
    @Option(Settings.redirectListen) var redirectListen: String?
    @Option(Settings.open) var open: String?
    @Option(Settings.tlsCert) var tlsCert: String?
    @Option(Settings.tlsKey) var tlsKey: String?
    @Option(Settings.tlsClientCa) var tlsClientCa: String?
    @Option(Settings.tlsClientAuth) var tlsClientAuth: String?
    @Option(Settings.tlsMinVersion) var tlsMinVersion: String?
    @Option(Settings.corsOrigin) var corsOrigin: String?
    @Option(Settings.corsMaxAge) var corsMaxAge: String?
}

struct AccessFlags: SettingFlags {
    @Option(Settings.tokens) var tokens: String?
    @Option(Settings.jwtSecret) var jwtSecret: String?
    @Option(Settings.jwtKey) var jwtKey: String?
    @Option(Settings.jwks) var jwks: String?
    @Option(Settings.jwtIssuer) var jwtIssuer: String?
    @Option(Settings.jwtAudience) var jwtAudience: String?
    @Option(Settings.jwtLeeway) var jwtLeeway: String?
    @Option(Settings.tokenCookie) var tokenCookie: String?
    @Option(Settings.tokenParameter) var tokenParameter: String?
}

struct LimitFlags: SettingFlags {
    @Option(Settings.limitAddress) var limitAddress: String?
    @Option(Settings.limitToken) var limitToken: String?
    @Option(Settings.limitedClients) var limitedClients: String?
    @Option(Settings.trustedProxies) var trustedProxies: String?
    @Option(Settings.proxyProtocol) var proxyProtocol: String?
}

struct StorageFlags: SettingFlags {
    @Option(Settings.dataDir) var dataDir: String?
    @Option(Settings.durability) var durability: String?
    @Option(Settings.retentionBytes) var retentionBytes: String?
    @Option(Settings.retentionCount) var retentionCount: String?
    @Option(Settings.retentionAge) var retentionAge: String?
    @Option(Settings.maxTopics) var maxTopics: String?
    @Option(Settings.maxDelay) var maxDelay: String?
    @Option(Settings.maxScheduled) var maxScheduled: String?
}

struct StreamFlags: SettingFlags {
    @Option(Settings.maxStreams) var maxStreams: String?
    @Option(Settings.streamHeartbeat) var streamHeartbeat: String?
    @Option(Settings.streamLifetime) var streamLifetime: String?
}

struct MemoryFlags: SettingFlags {
    @Option(Settings.maxBodyBytes) var maxBodyBytes: String?
    @Option(Settings.arenaInitialBytes) var arenaInitialBytes: String?
    @Option(Settings.arenaMaxBytes) var arenaMaxBytes: String?
    @Option(Settings.arenaPoolSize) var arenaPoolSize: String?
    @Option(Settings.arenaBudgetBytes) var arenaBudgetBytes: String?
}

struct GeneralFlags: SettingFlags {
    @Option(Settings.loops) var loops: String?
    @Option(Settings.maxConnections) var maxConnections: String?
    @Option(Settings.drainTimeout) var drainTimeout: String?
    @Option(Settings.stallTimeout) var stallTimeout: String?
    @Option(Settings.console) var console: String?
    @Option(Settings.accessLog) var accessLog: String?
    @Option(Settings.traceAttribute) var traceAttribute: String?
    @Option(Settings.logLevel) var logLevel: String?
}
