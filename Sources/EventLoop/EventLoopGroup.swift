import CLinux
import Glibc
import Synchronization

/// Loops that share a port, each on a thread of its own.
public final class EventLoopGroup: @unchecked Sendable {
    public let loops: [EventLoop]
    /// The ports all loops listen on, in the order of the configuration's listeners.
    public let boundPorts: [UInt16]
    /// The first of them.
    public var boundPort: UInt16 { boundPorts[0] }
    /// The limit of open files after it was raised.
    public let openFilesLimit: Int
    private let shared = GroupState()
    private let signals: Int32
    private var threads: [pthread_t] = []

    /// Opens the sockets; nothing is served before `start`.
    public init(configuration: EventLoopConfiguration) throws(StartError) {
        postern_ignore_broken_pipes()
        openFilesLimit = Int(max(0, postern_raise_open_files()))
        precondition((1...16).contains(configuration.listeners.count))
        var signals: Int32 = -1
        var underWay = configuration.listeners[0]
        do throws(SystemError) {
            if configuration.handlesSignals {
                signals = try SystemCalls.checked(postern_signals_open(), "signalfd")
            }
            // A shared port would let a second server in unnoticed; so the first look is for the port alone. One that
            // the system picks is nobody else's.
            for listener in configuration.listeners where listener.port != 0 && listener.inherited == nil {
                underWay = listener
                _ = try Listener(listener, port: listener.port, backlog: 1, isShared: false)
            }
            var ports = configuration.listeners.map(\.port)
            let inherited = configuration.listeners.map { listener in
                listener.inherited.map { Listener(listener, inherited: $0) }
            }
            var loops: [EventLoop] = []
            for index in 0..<configuration.loops {
                var listeners: [Listener] = []
                for (number, wanted) in configuration.listeners.enumerated() {
                    underWay = wanted
                    if let socket = inherited[number] {
                        listeners.append(socket)
                        continue
                    }
                    let listener = try Listener(
                        wanted, port: ports[number], backlog: configuration.backlog, isShared: true)
                    if ports[number] == 0 {
                        ports[number] = UInt16(truncatingIfNeeded: postern_bound_port(listener.descriptor))
                    }
                    listeners.append(listener)
                }
                loops.append(
                    try EventLoop(
                        index: index, listeners: listeners, signals: index == 0 ? signals : -1,
                        configuration: configuration, shared: shared))
            }
            self.loops = loops
            self.signals = signals
            boundPorts = ports
        } catch {
            if signals >= 0 { postern_signals_close(signals) }
            throw StartError(error, host: underWay.host, port: underWay.port)
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
}
