import EventLoop
import PubSub
import Telemetry

/// A running gateway: its loops, its log, its arenas.
///
/// Make it, `start()` it, and `join()` it; `drain()` or, where it handles signals, SIGTERM ends it.
public final class Gateway: Sendable {
    /// As it was at the start.
    public let configuration: GatewayConfiguration
    private let group: EventLoopGroup
    private let shared: GatewayShared

    /// Opens the sockets; nothing is served before `start()`.
    /// - Parameter log: where messages live; in memory where none is given. It is started with the gateway, and ended by
    ///   `join()`.
    /// - Parameter storage: the observer of a log on disk, shown in `/metrics`.
    /// - Parameter onDrain: called once, on a loop's thread, when the gateway begins to end.
    /// - Parameter onReload: called on a loop's thread when an operator asks to look at files again (SIGHUP).
    /// - Throws: `StartError`, in words for an operator.
    public init(
        configuration: GatewayConfiguration, log: (any MessageLog)? = nil, storage: StorageMetrics? = nil,
        version: String, onDrain: @escaping @Sendable () -> Void = {},
        onReload: @escaping @Sendable () -> Void = {}
    ) throws(StartError) {
        self.configuration = configuration
        var loops = EventLoopConfiguration()
        let listeners = configuration.listeners()
        loops.listeners = listeners.map(\.0)
        let roles = listeners.map(\.1)
        loops.loops = configuration.loops
        loops.maximumConnections = configuration.maximumConnections
        // The largest reply is one message, and a message was decoded in an arena; replies to requests that came
        // together add to it.
        loops.maximumPendingBytes = configuration.arenaMaximumBytes + 2 * Limits.pollBytes
        loops.maximumPendingBytesPerLoop = max(loops.maximumPendingBytesPerLoop, 4 * loops.maximumPendingBytes)
        loops.handlesSignals = configuration.handlesSignals
        loops.stallMilliseconds = UInt64(configuration.stallTimeoutMilliseconds)
        loops.minimumReadBytesPerSecond = configuration.minimumReadBytesPerSecond
        loops.drainTimeoutMilliseconds = UInt64(configuration.drainTimeoutMilliseconds)
        loops.refusal = Self.refusal
        loops.plainRefusal = Self.plainRefusal
        group = try EventLoopGroup(configuration: loops)
        shared = GatewayShared(
            configuration: configuration, log: log ?? MemoryLog(configuration: configuration.log),
            storage: storage, loops: group.loops, roles: roles, securePort: group.boundPort, version: version,
            onDrain: onDrain, onReload: onReload)
    }

    /// What a connection over the limit is told.
    private static let refusal: StaticString = """
        HTTP/1.1 503 Service Unavailable\r
        Content-Type: application/problem+json\r
        Retry-After: 1\r
        Connection: close\r
        Content-Length: 128\r
        \r
        {"type":"about:blank","title":"Service Unavailable","status":503,"code":"overloaded","detail":"too many connections are open"}\r\n
        """

    /// What a client is told that speaks HTTP without TLS where TLS is spoken.
    private static let plainRefusal: StaticString = """
        HTTP/1.1 400 Bad Request\r
        Content-Type: application/problem+json\r
        Connection: close\r
        Content-Length: 130\r
        \r
        {"type":"about:blank","title":"Bad Request","status":400,"code":"tls_wanted","detail":"this port speaks TLS; use an https:// URL"}
        """

    /// Starts the loops' threads.
    public func start() {
        let loops = group.loops
        shared.accessLog?.start()
        shared.log.start { readers in
            var readers = readers
            while let index = readers.popFirst() { loops[index].wake() }
        }
        group.start { loop in LoopGateway(loop: loop, shared: shared, metrics: shared.metrics[loop.index]) }
    }

    /// `host:port` as a client names it.
    public var boundAddress: String {
        let host = configuration.host
        return (host.contains(":") ? "[\(host)]" : host) + ":\(group.boundPort)"
    }

    public var boundPort: UInt16 { group.boundPort }

    /// Where operators are served and where clients are redirected, as a client names them.
    public var operatorsAddress: String? { boundAddress(configuration.operatorsAddress, .operators) }
    public var redirectAddress: String? { boundAddress(configuration.redirectAddress, .redirect) }

    private func boundAddress(_ address: ListenAddress?, _ role: ListenerRole) -> String? {
        guard let address, let index = shared.roles.firstIndex(of: role) else { return nil }
        return ListenAddress(host: address.host, port: group.boundPorts[index]).text
    }

    /// Connections open now.
    public var openConnections: Int { group.loops.reduce(0) { $0 + $1.statistics.openConnections } }

    /// Messages stored since the start.
    public var publishedMessages: UInt64 { shared.log.statistics.published }

    /// How often each thread that serves has gone round: the loops, and the log's writer where it has one. Each goes round
    /// once a second at least, so one whose figure stands still for longer is stuck.
    public var threadTurns: [Int] {
        group.loops.map(\.statistics.turnsTotal) + (shared.log.writerTurns.map { [$0] } ?? [])
    }

    public var isDraining: Bool { group.isDraining }

    /// How many files the process may open, after the limit was raised.
    public var openFilesLimit: Int { group.openFilesLimit }

    /// Goes by another configuration from now on, each loop within a second: limits, times, what is kept. What can only
    /// be set at the start, addresses and memory among them, stays as it is, whatever `configuration` has; so do
    /// credentials and tokens, which are reloaded where they are.
    /// - Parameter retention: what the log keeps.
    public func reconfigure(_ configuration: GatewayConfiguration, retention: RetentionPolicy) {
        var next = configuration
        next.credentials = self.configuration.credentials
        next.access = self.configuration.access
        // Where it listens it goes on to listen, whatever is set; so much for the rules that depend on it.
        next.operatorsAddress = self.configuration.operatorsAddress
        next.redirectAddress = self.configuration.redirectAddress
        shared.live.replace(next)
        shared.streams.setLimit(next.maximumStreams)
        shared.log.setRetention(retention)
    }

    /// Notes for telemetry how a reload went.
    public func reloaded(successfully: Bool) { shared.reloads.note(successfully: successfully) }

    /// Takes no more connections, answers parked polls with their cursor, finishes requests under way, and ends within
    /// the drain timeout.
    public func drain() { group.drain() }

    /// Ends at once.
    public func stop() { group.stop() }

    /// Waits until all loops have ended, and the log with them.
    public func join() {
        group.join()
        shared.log.end()
        shared.accessLog?.end()
    }
}

/// Why a gateway could not start, in words for an operator.
public typealias GatewayStartError = StartError
