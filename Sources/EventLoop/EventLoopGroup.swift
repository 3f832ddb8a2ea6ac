import CLinux
import Glibc
import Synchronization

/// Loops that share a port, each on a thread of its own.
public final class EventLoopGroup: @unchecked Sendable {
    public let loops: [EventLoop]
    /// The port all loops listen on.
    public let boundPort: UInt16
    /// The limit of open files after it was raised.
    public let openFilesLimit: Int
    private let shared = GroupState()
    private let signals: Int32
    private var threads: [pthread_t] = []

    /// Opens the sockets; nothing is served before `start`.
    public init(configuration: EventLoopConfiguration) throws(StartError) {
        postern_ignore_broken_pipes()
        openFilesLimit = Int(max(0, postern_raise_open_files()))
        var signals: Int32 = -1
        do throws(SystemError) {
            if configuration.handlesSignals {
                signals = try SystemCalls.checked(postern_signals_open(), "signalfd")
            }
            var port = configuration.port
            // A shared port would let a second server in unnoticed; so the first look is for the port alone. One that
            // the system picks is nobody else's.
            if port != 0 { _ = try Self.listen(configuration, port: port, shared: false) }
            var loops: [EventLoop] = []
            for index in 0..<configuration.loops {
                let listener = try Self.listen(configuration, port: port, shared: true)
                if port == 0 { port = UInt16(truncatingIfNeeded: postern_bound_port(listener.number)) }
                loops.append(
                    try EventLoop(
                        index: index, listener: listener, signals: index == 0 ? signals : -1,
                        configuration: configuration, shared: shared))
            }
            self.loops = loops
            self.signals = signals
            boundPort = port
        } catch {
            if signals >= 0 { postern_signals_close(signals) }
            throw StartError(error, host: configuration.host, port: configuration.port)
        }
        for loop in loops { shared.add(loop) }
    }

    deinit {
        assert(threads.isEmpty, "a group is joined before it ends")
        // Loops and what they share hold each other.
        shared.removeAll()
        if signals >= 0 { _ = postern_close(signals) }
    }

    /// Starts the threads.
    /// - Parameter makeHandler: what serves each loop's connections; called here, once a loop.
    public func start(_ makeHandler: (EventLoop) -> any ConnectionHandler) {
        for loop in loops {
            loop.attach(makeHandler(loop))
            threads.append(LoopThread.start { loop.run() })
        }
    }

    /// Stops accepting and lets connections end, within the drain timeout.
    public func drain() { shared.drain() }

    /// Ends at once.
    public func stop() { shared.stop() }

    public var isDraining: Bool { shared.isDraining.load(ordering: .relaxed) }

    /// Waits until every loop has ended.
    public func join() {
        for thread in threads { LoopThread.join(thread) }
        threads.removeAll()
        shared.removeAll()
    }

    private static func listen(
        _ configuration: EventLoopConfiguration, port: UInt16, shared: Bool
    ) throws(SystemError) -> Descriptor {
        Descriptor(
            try SystemCalls.listen(
                host: configuration.host, port: port, backlog: shared ? configuration.backlog : 1, shared: shared))
    }
}
