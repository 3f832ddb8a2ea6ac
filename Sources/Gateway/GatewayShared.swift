import Arenas
import EventLoop
import PubSub
import Telemetry

/// What the loops of one gateway share. Nothing in it changes but what its parts guard themselves.
final class GatewayShared: Sendable {
    /// What holds now of what may change.
    let live: LiveConfigurations
    let reloads = ReloadOutcome()
    /// Nil where requests are not logged.
    let accessLog: AccessLog?
    let log: any MessageLog
    let storage: StorageMetrics?
    let arenas: ArenaPool
    /// The loops by their numbers, which are their readers' numbers too.
    let loops: [EventLoop]
    let metrics: [LoopMetrics]
    let streams: StreamCount
    /// What each listener's connections may ask for.
    let roles: [ListenerRole]
    /// The port where TLS is spoken, for those who are sent there.
    let securePort: UInt16
    /// Whether the sockets outlive this process: who comes back to them waits for the next one.
    let isSucceeded: Bool
    let crossOrigin: CrossOriginFields
    let version: String
    let onDrain: @Sendable () -> Void
    let onReload: @Sendable () -> Void
    let logger = Logger(label: "postern")
    let processMetrics = ProcessMetrics()

    init(
        configuration: GatewayConfiguration, log: any MessageLog, storage: StorageMetrics?,
        loops: [EventLoop], roles: [ListenerRole], securePort: UInt16, version: String,
        onDrain: @escaping @Sendable () -> Void, onReload: @escaping @Sendable () -> Void
    ) {
        live = LiveConfigurations(configuration)
        accessLog = configuration.accessLogEvery.map { AccessLog(every: $0) }
        self.loops = loops
        self.roles = roles
        self.securePort = securePort
        isSucceeded = !configuration.inherited.clients.isEmpty
        crossOrigin = CrossOriginFields(
            configuration.crossOrigin,
            allowsCredentials: configuration.access != nil && configuration.tokenCookie != nil)
        self.version = version
        self.onDrain = onDrain
        self.onReload = onReload
        streams = StreamCount(limit: configuration.maximumStreams)
        metrics = loops.map { _ in LoopMetrics() }
        self.log = log
        self.storage = storage
        arenas = ArenaPool(
            configuration: ArenaPool.Configuration(
                initialBytes: configuration.arenaInitialBytes, maximumBytes: configuration.arenaMaximumBytes,
                localCapacity: configuration.arenaPoolSize, sharedCapacity: configuration.arenaPoolSize,
                budgetBytes: configuration.arenaBudgetBytes))
    }
}
