import Access
import ArgumentParser
import Gateway
import Glibc
import PubSub
import SegmentLog
import TLS
import Telemetry

struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve the gateway until SIGTERM or SIGINT.",
        discussion: """
            Each option can also be set in the environment: --max-body-bytes as POSTERN_MAX_BODY_BYTES. \
            The command line wins. Sizes take KiB, MiB, GiB; times take ms, s, m, h, d.
            """)

    /// Every option's name, for the environment.
    static let optionNames =
        NetworkOptions.names + AccessOptions.names + LimitOptions.names + [
            "--loops", "--arena-initial-bytes", "--arena-max-bytes", "--arena-pool-size",
            "--arena-budget-bytes", "--max-body-bytes", "--max-connections", "--max-topics", "--retention-bytes",
            "--retention-count", "--retention-age", "--drain-timeout", "--max-streams", "--stream-heartbeat",
            "--stream-lifetime", "--stall-timeout", "--console", "--log-level", "--data-dir", "--durability",
            "--max-delay", "--max-scheduled",
        ]

    @OptionGroup(title: "Network")
    var network: NetworkOptions

    @OptionGroup(title: "Access")
    var access: AccessOptions

    @OptionGroup(title: "Limits of each client")
    var limits: LimitOptions

    @Option(
        help: ArgumentHelp("Event loops, each a thread: 1 to 64. (default: one a core)", valueName: "n"),
        transform: OptionValues.integer(1...64))
    var loops: Int?

    @Option(
        help: ArgumentHelp("First chunk of an arena: 8KiB to 32KiB. (default: 16KiB)", valueName: "size"),
        transform: OptionValues.bytes(8 << 10...32 << 10))
    var arenaInitialBytes: Int?

    @Option(
        help: ArgumentHelp(
            "Most one request's arena may take: 64KiB to 1GiB. (default: 8 times the body limit, 16MiB at least)",
            valueName: "size"),
        transform: OptionValues.bytes(64 << 10...1 << 30))
    var arenaMaxBytes: Int?

    @Option(
        help: ArgumentHelp("Idle arenas a loop keeps: 1 to 4096. (default: 64)", valueName: "n"),
        transform: OptionValues.integer(1...4096))
    var arenaPoolSize: Int?

    @Option(
        help: ArgumentHelp(
            "Most all arenas together may take; over it requests get 503: 1MiB to 64GiB. (default: 256MiB)",
            valueName: "size"),
        transform: OptionValues.bytes(1 << 20...64 << 30))
    var arenaBudgetBytes: Int?

    @Option(
        help: ArgumentHelp("Largest request body: 1KiB to 64MiB. (default: 1MiB)", valueName: "size"),
        transform: OptionValues.bytes(1 << 10...64 << 20))
    var maxBodyBytes: Int?

    @Option(
        help: ArgumentHelp("Most connections at a time: 1 to 1000000. (default: 15000)", valueName: "n"),
        transform: OptionValues.integer(1...1_000_000))
    var maxConnections: Int?

    @Option(
        help: ArgumentHelp("Most topics at a time: 1 to 10000000. (default: 100000)", valueName: "n"),
        transform: OptionValues.integer(1...10_000_000))
    var maxTopics: Int?

    @Option(
        help: ArgumentHelp(
            "Keep messages in files of this directory, which must be there. (default: in memory)", valueName: "dir"))
    var dataDir: String?

    @Option(
        help: ArgumentHelp(
            """
            When a publish is acknowledged: sync, once it is on disk; interval=TIME, at once, and it is on disk that much \
            later (1ms to 1h); memory, at once, and the system writes it when it likes. Wants --data-dir. (default: sync)
            """, valueName: "mode"),
        transform: OptionValues.durability)
    var durability: Durability?

    @Option(
        help: ArgumentHelp(
            """
            What messages may take; the oldest go first: 1MiB to 1024GiB, with --data-dir 16MiB at least. \
            (default: 256MiB of memory, 1GiB of files)
            """, valueName: "size"),
        transform: OptionValues.bytes(1 << 20...1 << 40))
    var retentionBytes: Int?

    @Option(
        help: ArgumentHelp("Most messages kept: 1 to 1000000000000. (default: no bound)", valueName: "n"),
        transform: OptionValues.integer(1...1_000_000_000_000))
    var retentionCount: Int?

    @Option(
        help: ArgumentHelp("Longest a message is kept: 1s to 36500d. (default: no bound)", valueName: "time"),
        transform: OptionValues.milliseconds(1000...36_500 * 86_400_000))
    var retentionAge: Int?

    @Option(
        help: ArgumentHelp(
            "How long to finish requests under way at the end: 0s to 1h. (default: 10s)", valueName: "time"),
        transform: OptionValues.milliseconds(0...3_600_000))
    var drainTimeout: Int?

    @Option(
        help: ArgumentHelp("Most streams at a time: 1 to 1000000. (default: 12000)", valueName: "n"),
        transform: OptionValues.integer(1...1_000_000))
    var maxStreams: Int?

    @Option(
        help: ArgumentHelp(
            "A quiet stream gives a sign of life so often: 100ms to 1h. (default: 15s)", valueName: "time"),
        transform: OptionValues.milliseconds(100...3_600_000))
    var streamHeartbeat: Int?

    @Option(
        help: ArgumentHelp(
            "A stream ends after so long, give or take a tenth: 1s to 36500d, or 0 for never. (default: 1h)",
            valueName: "time"),
        transform: OptionValues.milliseconds(0...36_500 * 86_400_000))
    var streamLifetime: Int?

    @Option(
        help: ArgumentHelp(
            "A client that takes nothing of what it is sent is cut off after so long: 1s to 1h. (default: 30s)",
            valueName: "time"),
        transform: OptionValues.milliseconds(1000...3_600_000))
    var stallTimeout: Int?

    @Option(
        help: ArgumentHelp(
            "Latest a message may be set to be delivered: 1s to 365d. (default: 7d)", valueName: "time"),
        transform: OptionValues.milliseconds(1000...365 * 86_400_000))
    var maxDelay: Int?

    @Option(
        help: ArgumentHelp(
            "Most messages that wait for their time: 1 to 10000000. (default: 100000)", valueName: "n"),
        transform: OptionValues.integer(1...10_000_000))
    var maxScheduled: Int?

    @Option(
        help: ArgumentHelp("Serve the browser's page at /: on or off. (default: on)", valueName: "on|off"),
        transform: OptionValues.toggle)
    var console: Bool?

    @Option(
        help: ArgumentHelp(
            "trace, debug, info, notice, warning, error or critical. (default: info)", valueName: "level"),
        transform: { text in
            guard let level = LogLevel(rawValue: text) else {
                throw ValidationError("one of trace, debug, info, notice, warning, error, critical is wanted")
            }
            return level
        })
    var logLevel: LogLevel?

    func validate() throws {
        let configuration = gatewayConfiguration()
        if durability != nil, dataDir == nil { throw ValidationError("--durability wants --data-dir") }
        if let retentionBytes, dataDir != nil, retentionBytes < SegmentLogConfiguration.minimumBytes {
            throw ValidationError("--retention-bytes must be at least 16MiB with --data-dir")
        }
        if configuration.arenaMaximumBytes < configuration.arenaInitialBytes {
            throw ValidationError("--arena-max-bytes must not be below --arena-initial-bytes")
        }
        if configuration.arenaBudgetBytes < configuration.arenaMaximumBytes {
            throw ValidationError(
                "--arena-budget-bytes must be at least what one arena may take, "
                    + OptionValues.sizeText(configuration.arenaMaximumBytes))
        }
    }

    func run() throws {
        bootstrapLogging(level: logLevel ?? .info)
        let logger = Logger(label: "postern")
        var configuration = gatewayConfiguration()
        try checkExposure(configuration, logger)
        configuration.credentials = try loadCredentials()
        configuration.access = try loadTokens(logger)
        let files = ReloadableFiles(
            credentials: configuration.credentials, access: configuration.access, logger: logger)
        let storage = dataDir == nil ? nil : StorageMetrics()
        let log = try openLog(storage, logger)
        let gateway: Gateway
        do throws(GatewayStartError) {
            gateway = try Gateway(
                configuration: configuration, log: log, storage: storage, version: Version.text,
                onDrain: { ServiceManager.notify("STOPPING=1\nSTATUS=draining") }, onReload: { files.reload() })
        } catch {
            // A person's mistake or a taken port: one line, no trace.
            log?.end()
            StandardStream.error("postern: \(error)\n")
            throw ExitCode(EX_UNAVAILABLE)
        }
        warnOfFewFiles(gateway, logger)
        gateway.start()
        announce(gateway)
        logger.info(
            "serving",
            metadata: [
                "address": "\(gateway.boundAddress)", "loops": "\(gateway.configuration.loops)",
                "version": "\(Version.text)", "open_files_limit": "\(gateway.openFilesLimit)",
            ])
        ServiceManager.notify("READY=1\nSTATUS=serving on \(gateway.boundAddress)")
        gateway.join()
        logger.info("ended")
    }

    /// Says where it listens, for those who wait for it.
    private func announce(_ gateway: Gateway) {
        let scheme = gateway.configuration.credentials == nil ? "http" : "https"
        StandardStream.output("postern: listening on \(scheme)://\(gateway.boundAddress)\n")
        if let address = gateway.operatorsAddress {
            StandardStream.output("postern: operators are served on http://\(address)\n")
        }
        if let address = gateway.redirectAddress {
            StandardStream.output("postern: http://\(address) sends clients to https\n")
        }
    }

    /// Refuses to let strangers in by oversight.
    private func checkExposure(_ configuration: GatewayConfiguration, _ logger: Logger) throws {
        if let operators = configuration.operatorsAddress, !operators.isLoopback {
            guard network.open == true else {
                StandardStream.error(
                    """
                    postern: \(operators.text) (--admin-listen) is reached from beyond this machine, and no token is asked there.
                    postern: let it listen on 127.0.0.1, or, where a firewall keeps strangers out, say --open on \
                    (POSTERN_OPEN=on).

                    """)
                throw ExitCode(EX_CONFIG)
            }
            logger.warning(
                "anyone who reaches this address is an operator", metadata: ["address": "\(operators.text)"])
        }
        let address = ListenAddress(host: configuration.host, port: configuration.port)
        guard !address.isLoopback, access.configuration == nil, !network.wantsClientCertificate else { return }
        guard network.open == true else {
            StandardStream.error(
                """
                postern: \(address.text) is reached from beyond this machine, and anyone may publish and read there.
                postern: ask for tokens (--tokens FILE, see: postern token new --help) or client certificates \
                (--tls-client-ca), listen on 127.0.0.1, or, where a firewall or a proxy keeps strangers out, say \
                --open on (POSTERN_OPEN=on).

                """)
            throw ExitCode(EX_CONFIG)
        }
        logger.warning(
            "anyone who reaches this address may publish and read", metadata: ["address": "\(address.text)"])
    }

    private func loadTokens(_ logger: Logger) throws -> Authenticator? {
        guard let configuration = access.configuration else { return nil }
        do throws(AccessError) {
            let authenticator = try Authenticator(configuration)
            for warning in authenticator.warnings { logger.warning("\(warning)") }
            return authenticator
        } catch {
            for problem in error.problems { StandardStream.error("postern: \(problem)\n") }
            throw ExitCode(EX_CONFIG)
        }
    }

    private func loadCredentials() throws -> TLSCredentials? {
        guard let configuration = network.tls else { return nil }
        do throws(TLSError) { return try TLSCredentials(configuration) } catch {
            StandardStream.error("postern: \(error)\n")
            throw ExitCode(EX_CONFIG)
        }
    }

    /// Opens the log on disk, where one is wanted.
    private func openLog(_ storage: StorageMetrics?, _ logger: Logger) throws -> SegmentLog? {
        guard let dataDir else { return nil }
        do throws(OpenError) {
            let (log, report) = try SegmentLog.open(
                directory: dataDir, configuration: storageConfiguration(), observer: storage)
            logger.info(
                "opened the log",
                metadata: [
                    "directory": "\(dataDir)", "segments": "\(report.segments)", "messages": "\(report.messages)",
                    "recovered_segments": "\(report.recoveredSegments)", "torn_bytes": "\(report.tornBytes)",
                    "damaged_ranges": "\(report.damage.count)",
                    "milliseconds": "\(Int(report.seconds * 1000))",
                ])
            for range in report.damage {
                storage?.happened(.foundDamage(segment: range.segment, first: range.first, last: range.last))
            }
            return log
        } catch {
            StandardStream.error("postern: \(error)\n")
            throw ExitCode(EX_CONFIG)
        }
    }

    private func storageConfiguration() -> SegmentLogConfiguration {
        let gateway = gatewayConfiguration()
        var configuration = SegmentLogConfiguration()
        configuration.durability = durability ?? .sync
        configuration.retention = gateway.log.retention
        configuration.retention.bytes = retentionBytes ?? SegmentLogConfiguration().retention.bytes
        configuration.maximumTopics = gateway.log.maximumTopics
        configuration.maximumScheduled = gateway.log.maximumScheduled
        configuration.stagingBytes = max(configuration.stagingBytes, 2 * gateway.arenaMaximumBytes)
        return configuration
    }

    /// Descriptors that are not connections: listeners, epoll, wake-ups, standard streams.
    private static let otherFiles = 64

    private func warnOfFewFiles(_ gateway: Gateway, _ logger: Logger) {
        let wanted = gateway.configuration.maximumConnections + Self.otherFiles
        guard gateway.openFilesLimit < wanted else { return }
        logger.warning(
            "the limit of open files is below --max-connections; raise it (ulimit -n, LimitNOFILE=)",
            metadata: ["open_files_limit": "\(gateway.openFilesLimit)", "wanted": "\(wanted)"])
    }

    func gatewayConfiguration() -> GatewayConfiguration {
        var configuration = GatewayConfiguration()
        configuration.handlesSignals = true
        if let listen = network.listen {
            configuration.host = listen.host
            configuration.port = listen.port
        }
        configuration.operatorsAddress = network.adminListen
        configuration.redirectAddress = network.redirectListen
        configuration.crossOrigin = try? network.crossOrigin()
        if let cookie = access.tokenCookie { configuration.tokenCookie = cookie == "off" ? nil : cookie }
        configuration.addressLimits = limits.limitAddress ?? configuration.addressLimits
        configuration.tokenLimits = limits.limitToken ?? configuration.tokenLimits
        configuration.limitedClients = limits.limitedClients ?? configuration.limitedClients
        configuration.trustedProxies = limits.trustedProxies ?? configuration.trustedProxies
        configuration.expectsProxyHeader = limits.proxyProtocol ?? false
        configuration.allowsTokenParameter = access.tokenParameter ?? false
        configuration.loops = loops ?? max(1, min(64, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
        configuration.maximumBodyBytes = maxBodyBytes ?? configuration.maximumBodyBytes
        configuration.arenaInitialBytes = arenaInitialBytes ?? configuration.arenaInitialBytes
        configuration.arenaMaximumBytes = arenaMaxBytes ?? max(16 << 20, configuration.maximumBodyBytes * 8)
        configuration.arenaPoolSize = arenaPoolSize ?? configuration.arenaPoolSize
        configuration.arenaBudgetBytes =
            arenaBudgetBytes ?? max(configuration.arenaBudgetBytes, configuration.arenaMaximumBytes)
        configuration.maximumConnections = maxConnections ?? configuration.maximumConnections
        configuration.log.maximumTopics = maxTopics ?? configuration.log.maximumTopics
        if let retentionBytes { configuration.log.retention.bytes = retentionBytes }
        configuration.log.retention.count = retentionCount
        configuration.log.retention.ageMicroseconds = retentionAge.map { Int64($0) * 1000 }
        configuration.maximumStreams = maxStreams ?? configuration.maximumStreams
        configuration.heartbeatMilliseconds = streamHeartbeat ?? configuration.heartbeatMilliseconds
        configuration.streamLifetimeMilliseconds = streamLifetime ?? configuration.streamLifetimeMilliseconds
        configuration.stallTimeoutMilliseconds = stallTimeout ?? configuration.stallTimeoutMilliseconds
        if let maxDelay { configuration.maximumDelayMicroseconds = Int64(maxDelay) * 1000 }
        configuration.log.maximumScheduled = maxScheduled ?? configuration.log.maximumScheduled
        configuration.servesConsole = console ?? configuration.servesConsole
        configuration.drainTimeoutMilliseconds = drainTimeout ?? configuration.drainTimeoutMilliseconds
        return configuration
    }
}
