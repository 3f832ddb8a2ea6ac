import Access
import Configuration
import Gateway
import Glibc
import PubSub
import SegmentLog
import TLS
import Telemetry

/// What a server is started with, and what it goes on with after a reload: its settings in the parts' own terms.
struct ServerConfiguration {
    let values: SettingValues

    private typealias S = Settings

    var logLevel: LogLevel { values[S.logLevel] ?? .info }
    var dataDirectory: String? { values[S.dataDir] }

    var gateway: GatewayConfiguration {
        var configuration = GatewayConfiguration()
        configuration.handlesSignals = true
        if let listen = values[S.listen] {
            configuration.host = listen.host
            configuration.port = listen.port
        }
        configuration.operatorsAddress = values[S.adminListen]
        configuration.redirectAddress = values[S.redirectListen]
        configuration.crossOrigin = try? crossOrigin()
        configuration.loops = values[S.loops] ?? max(1, min(64, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        set(&configuration.maximumConnections, S.maxConnections)
        set(&configuration.drainTimeoutMilliseconds, S.drainTimeout)
        set(&configuration.stallTimeoutMilliseconds, S.stallTimeout)
        set(&configuration.servesConsole, S.console)
        set(&configuration.keepsTraceContext, S.traceAttribute)
        if let every = values[S.accessLog], every > 0 { configuration.accessLogEvery = every }
        setAccess(of: &configuration)
        setMemory(of: &configuration)
        setStorage(of: &configuration)
        return configuration
    }

    private func setAccess(of configuration: inout GatewayConfiguration) {
        if let cookie = values[S.tokenCookie] { configuration.tokenCookie = cookie == "off" ? nil : cookie }
        set(&configuration.allowsTokenParameter, S.tokenParameter)
        set(&configuration.addressLimits, S.limitAddress)
        set(&configuration.tokenLimits, S.limitToken)
        set(&configuration.limitedClients, S.limitedClients)
        set(&configuration.trustedProxies, S.trustedProxies)
        set(&configuration.expectsProxyHeader, S.proxyProtocol)
    }

    private func setMemory(of configuration: inout GatewayConfiguration) {
        set(&configuration.maximumBodyBytes, S.maxBodyBytes)
        set(&configuration.arenaInitialBytes, S.arenaInitialBytes)
        configuration.arenaMaximumBytes =
            values[S.arenaMaxBytes] ?? max(16 << 20, configuration.maximumBodyBytes * 8)
        set(&configuration.arenaPoolSize, S.arenaPoolSize)
        configuration.arenaBudgetBytes =
            values[S.arenaBudgetBytes] ?? max(configuration.arenaBudgetBytes, configuration.arenaMaximumBytes)
    }

    private func setStorage(of configuration: inout GatewayConfiguration) {
        set(&configuration.maximumStreams, S.maxStreams)
        set(&configuration.heartbeatMilliseconds, S.streamHeartbeat)
        set(&configuration.streamLifetimeMilliseconds, S.streamLifetime)
        if let delay = values[S.maxDelay] { configuration.maximumDelayMicroseconds = Int64(delay) * 1000 }
        set(&configuration.log.maximumTopics, S.maxTopics)
        set(&configuration.log.maximumScheduled, S.maxScheduled)
        if let bytes = values[S.retentionBytes] { configuration.log.retention.bytes = bytes }
        configuration.log.retention.count = values[S.retentionCount]
        configuration.log.retention.ageMicroseconds = values[S.retentionAge].map { Int64($0) * 1000 }
    }

    private func set<Value>(_ member: inout Value, _ setting: Setting<Value>) {
        if let value = values[setting] { member = value }
    }

    /// What a log on disk is opened with.
    var storage: SegmentLogConfiguration {
        let gateway = gateway
        var configuration = SegmentLogConfiguration()
        configuration.durability = values[S.durability] ?? .sync
        configuration.retention = gateway.log.retention
        configuration.retention.bytes = values[S.retentionBytes] ?? SegmentLogConfiguration().retention.bytes
        configuration.maximumTopics = gateway.log.maximumTopics
        configuration.maximumScheduled = gateway.log.maximumScheduled
        configuration.stagingBytes = max(configuration.stagingBytes, 2 * gateway.arenaMaximumBytes)
        return configuration
    }

    /// What the log keeps, wherever it is.
    var retention: RetentionPolicy { dataDirectory == nil ? gateway.log.retention : storage.retention }

    /// Whether a log that is open with these may keep as much instead.
    func allows(_ retention: RetentionPolicy) -> Bool {
        dataDirectory == nil ? gateway.log.allows(retention) : storage.allows(retention)
    }

    /// Nil where TLS is not spoken.
    var tls: TLSConfiguration? {
        guard let certificates = values[S.tlsCert], let keys = values[S.tlsKey] else { return nil }
        var configuration = TLSConfiguration(
            certificates: zip(certificates, keys).map { .init(chainPath: $0, keyPath: $1) })
        set(&configuration.minimumVersion, S.tlsMinVersion)
        if let authorities = values[S.tlsClientCa] {
            configuration.clientCertificates =
                values[S.tlsClientAuth] == .optional
                ? .optional(authoritiesPath: authorities) : .required(authoritiesPath: authorities)
        }
        return configuration
    }

    /// Nil where no token is asked for.
    var access: AccessConfiguration? {
        var keys = values[S.jwtKey] ?? []
        if let path = values[S.jwtSecret] { keys.append(.secret(path: path)) }
        if let path = values[S.jwks] { keys.append(.keySet(path: path)) }
        let tokens = values[S.tokens]
        guard tokens != nil || !keys.isEmpty else { return nil }
        var rules = TokenRules()
        rules.issuer = values[S.jwtIssuer]
        rules.audiences = values[S.jwtAudience] ?? []
        if let leeway = values[S.jwtLeeway] { rules.leewaySeconds = Int64(leeway / 1000) }
        return AccessConfiguration(tokensPath: tokens, keys: keys, rules: rules)
    }

    /// Whether every client has to show a certificate before it is served anything.
    var wantsClientCertificate: Bool {
        if case .required = tls?.clientCertificates { return true }
        return false
    }

    func crossOrigin() throws(CrossOriginPolicy.Refusal) -> CrossOriginPolicy? {
        guard let origins = values[S.corsOrigin] else { return nil }
        var policy = try CrossOriginPolicy(origins: origins)
        if let age = values[S.corsMaxAge] { policy.maximumAgeSeconds = age / 1000 }
        return policy
    }
}
