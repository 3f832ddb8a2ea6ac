import CLinux
import Glibc
import Synchronization

/// What all loops of a group share.
final class GroupState: Sendable {
    let isDraining = Atomic<Bool>(false)
    let isStopping = Atomic<Bool>(false)
    private let connections = Atomic<Int>(0)
    private let loops = Mutex<[EventLoop]>([])

    func add(_ loop: EventLoop) { loops.withLock { $0.append(loop) } }
    func removeAll() { loops.withLock { $0.removeAll() } }

    func drain() {
        isDraining.store(true, ordering: .relaxed)
        wakeAll()
    }

    func stop() {
        isStopping.store(true, ordering: .relaxed)
        wakeAll()
    }

    private func wakeAll() {
        let all = loops.withLock { $0 }
        for loop in all { loop.wake() }
    }

    /// Counts a connection in, where there may be one more.
    func takeConnection(limit: Int) -> Bool {
        guard connections.add(1, ordering: .relaxed).newValue > limit else { return true }
        connections.subtract(1, ordering: .relaxed)
        return false
    }

    func giveConnection() { connections.subtract(1, ordering: .relaxed) }
}

/// Why a group could not start, in words for an operator.
public struct StartError: Error, CustomStringConvertible, Sendable {
    public let description: String
}

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
        signals = configuration.handlesSignals ? postern_signals_open() : -1
        do throws(SystemError) {
            // A shared port would let a second server in unnoticed; so the first look is for the port alone.
            let probe = try SystemCalls.listen(
                host: configuration.host, port: configuration.port, backlog: 1, shared: false)
            let port = UInt16(truncatingIfNeeded: postern_bound_port(probe))
            _ = postern_close(probe)
            boundPort = port
            var loops: [EventLoop] = []
            for index in 0..<configuration.loops {
                let listener = try SystemCalls.listen(
                    host: configuration.host, port: port, backlog: configuration.backlog, shared: true)
                loops.append(
                    try EventLoop(
                        index: index, listener: listener, signals: index == 0 ? signals : -1,
                        configuration: configuration, shared: shared))
            }
            self.loops = loops
        } catch {
            throw Self.explain(error, configuration)
        }
        for loop in loops { shared.add(loop) }
    }

    deinit { if signals >= 0 { _ = postern_close(signals) } }

    /// Starts the threads.
    /// - Parameter makeHandler: what serves each loop's connections; called here, once a loop.
    public func start(_ makeHandler: (EventLoop) -> any ConnectionHandler) {
        for loop in loops {
            loop.attach(makeHandler(loop))
            threads.append(Thread.start { loop.run() })
        }
    }

    /// Stops accepting and lets connections end, within the drain timeout.
    public func drain() { shared.drain() }

    /// Ends at once.
    public func stop() { shared.stop() }

    public var isDraining: Bool { shared.isDraining.load(ordering: .relaxed) }

    /// Waits until every loop has ended.
    public func join() {
        for thread in threads { _ = pthread_join(thread, nil) }
        threads.removeAll()
        shared.removeAll()
    }

    private static func explain(_ error: SystemError, _ configuration: EventLoopConfiguration) -> StartError {
        let place = "\(configuration.host):\(configuration.port)"
        switch error.number {
        case EADDRINUSE:
            return StartError(description: "\(place) is in use by another process (see: ss -ltnp 'sport = :\(configuration.port)')")
        case EACCES:
            return StartError(description: "\(place) needs more rights than this process has")
        case EADDRNOTAVAIL:
            return StartError(description: "\(configuration.host) is no address of this machine")
        default:
            return StartError(description: "\(place): \(error.call): \(unsafe String(cString: strerror(error.number)))")
        }
    }
}

/// A plain thread.
// unsafe: hands a retained box to pthread_create, whose thread releases it.
private enum Thread {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    static func start(_ run: @escaping @Sendable () -> Void) -> pthread_t {
        var thread = pthread_t()
        let box = unsafe Unmanaged.passRetained(Body(run)).toOpaque()
        let result = unsafe pthread_create(&thread, nil, { box in
            guard let box = unsafe box else { return nil }
            unsafe Unmanaged<Body>.fromOpaque(box).takeRetainedValue().run()
            return nil
        }, box)
        precondition(result == 0, "no thread could be started")
        return thread
    }
}
