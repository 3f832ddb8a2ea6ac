import Arenas
import CLinux
import TLS

/// One thread's sockets, deadlines and wake-ups, over epoll, level-triggered.
///
/// All but `wake`, `index` and `statistics` is for the loop's own thread. In steady state nothing is allocated.
public final class EventLoop: @unchecked Sendable {
    /// The loop's number in its group.
    public let index: Int
    public let statistics = LoopStatistics()

    private(set) var configuration: EventLoopConfiguration
    let shared: GroupState
    let epoll: Descriptor
    private let wakeDescriptor: Descriptor
    /// Empty once no more connections are taken.
    var listeners: [Listener]
    private let signals: Int32
    private var handler: (any ConnectionHandler)?

    let connections = ConnectionTable()
    let deadlines: ThreadBound<TimerWheel>
    var firstFree = Connection.none
    var firstDoomed = Connection.none
    var pendingOutputs = SlotPool<PendingOutput>()
    var outputBlocks = OutputBlocks()
    var sessions = SlotPool<TLSSession?>()
    /// Connections whose sessions have bytes that epoll does not tell of.
    var firstReady = Connection.none
    /// Who the connection is from that `ConnectionHandler.opened` is called for.
    public internal(set) var acceptedAddress = PeerAddress(high: 0, low: 0)
    let scratch: ReadScratch
    private let events = EventBatch()

    private var turnNanoseconds: UInt64
    private var turnWallMicroseconds = postern_realtime_microseconds()
    private var nextSecond: UInt64
    var listenerPausedUntil: UInt64?
    private var needsTurn = false
    private(set) var isDraining = false
    private var drainDeadline = UInt64.max

    private let wakeGate = WakeGate()

    /// What a token says that names no connection: its lower half is an index that no connection has.
    private enum Token {
        static let wake: UInt64 = 1 << 32 | 0xFFFF_FFFF
        static let signals: UInt64 = 2 << 32 | 0xFFFF_FFFF
        static let firstListener: UInt64 = 16 << 32 | 0xFFFF_FFFF

        static func listener(_ number: Int) -> UInt64 { firstListener + UInt64(number) << 32 }
    }

    init(
        index: Int, listeners: [Listener], signals: Int32, configuration: EventLoopConfiguration,
        shared: GroupState
    ) throws(SystemError) {
        self.index = index
        self.signals = signals
        self.configuration = configuration
        self.shared = shared
        self.listeners = listeners
        epoll = Descriptor(try SystemCalls.checked(postern_epoll_create(), "epoll_create1"))
        wakeDescriptor = Descriptor(try SystemCalls.checked(postern_eventfd(), "eventfd"))
        scratch = ReadScratch(byteCount: configuration.readBytes)
        let now = postern_monotonic_nanoseconds()
        turnNanoseconds = now
        nextSecond = now + 1_000_000_000
        deadlines = ThreadBound(TimerWheel(nowMilliseconds: now / 1_000_000))
        try watchListeners()
        try watch(wakeDescriptor.number, Token.wake)
        if signals >= 0 { try watch(signals, Token.signals) }
    }

    /// Goes by other limits from now on. On the loop's thread.
    public func setLimits(maximumConnections: Int, stallMilliseconds: UInt64, drainTimeoutMilliseconds: UInt64) {
        configuration.maximumConnections = maximumConnections
        configuration.stallMilliseconds = stallMilliseconds
        configuration.drainTimeoutMilliseconds = drainTimeoutMilliseconds
    }

    /// Monotonic time, read once a turn.
    public var nowNanoseconds: UInt64 { turnNanoseconds }

    /// Real time now, in microseconds since 1970.
    public var wallClockMicroseconds: Int64 { postern_realtime_microseconds() }

    /// What the clock on the wall showed at a moment of this turn. Costs no look at a clock: both were read when the turn
    /// began.
    public func wallClockMicroseconds(at nanoseconds: UInt64) -> Int64 {
        turnWallMicroseconds + Int64(bitPattern: nanoseconds &- turnNanoseconds) / 1000
    }

    /// Monotonic time this instant, not the turn's.
    public var exactNanoseconds: UInt64 { postern_monotonic_nanoseconds() }

    private func watch(_ descriptor: Int32, _ token: UInt64, isShared: Bool = false) throws(SystemError) {
        let interest = POSTERN_READ.rawValue | (isShared ? POSTERN_EXCLUSIVE.rawValue : 0)
        _ = try SystemCalls.checked(postern_epoll_add(epoll.number, descriptor, interest, token), "epoll_ctl")
    }

    /// Goes to the end of those that wait for a socket.
    func waitAnew(_ number: Int) {
        _ = postern_epoll_remove(epoll.number, listeners[number].descriptor)
        do throws(SystemError) {
            try watch(listeners[number].descriptor, Token.listener(number), isShared: true)
        } catch {
            // Short of kernel memory: all are taken up again a little later.
            pauseListeners()
        }
    }

    func watchListeners() throws(SystemError) {
        for (number, listener) in listeners.enumerated() {
            try watch(listener.descriptor, Token.listener(number), isShared: listener.isInherited)
        }
    }

    // MARK: Waking

    /// Makes the loop take a turn soon. Any thread; costs a system call only where the loop sleeps, at most one a turn.
    public func wake() {
        if wakeGate.wake() { _ = postern_eventfd_signal(wakeDescriptor.number) }
    }

    /// Asks for another turn without sleeping: there is work left that was put off for fairness.
    public func requestTurn() { needsTurn = true }

    // MARK: Running

    func attach(_ handler: any ConnectionHandler) { self.handler = handler }

    /// Serves until the group stops, or has drained.
    func run() {
        guard let handler else { preconditionFailure("a loop runs with a handler") }
        while !shared.isStopping.load(ordering: .relaxed), !isDrained { turn(handler) }
        closeListeners()
        for index in 0..<connections.count where connections[index].phase != .free {
            doom(index, .loopEnded)
        }
        reap(handler)
        self.handler = nil
    }

    private var isDrained: Bool {
        isDraining && (statistics.openConnections == 0 || nowNanoseconds >= drainDeadline)
    }

    private func turn(_ handler: any ConnectionHandler) {
        let count = waitForEvents()
        turnNanoseconds = postern_monotonic_nanoseconds()
        turnWallMicroseconds = postern_realtime_microseconds()
        for position in 0..<count {
            let event = events[position]
            if UInt32(truncatingIfNeeded: event.token) == .max {
                special(event.token, handler)
            } else {
                serve(ConnectionID(packed: event.token), event.events, handler)
            }
        }
        readReady(handler)
        deadlines.value.advance(toMilliseconds: nowNanoseconds / 1_000_000)
        while let index = deadlines.value.popDue() { deadlineReached(UInt32(index), handler) }
        if nowNanoseconds >= nextSecond {
            nextSecond = nowNanoseconds + 1_000_000_000
            handler.everySecond()
        }
        if !isDraining, shared.isDraining.load(ordering: .relaxed) { beginDrain(handler) }
        resumeListenersIfDue()
        statistics.turns.add(1)
        handler.tick()
        reap(handler)
    }

    private func waitForEvents() -> Int {
        statistics.waits.add(1)
        let maySleep = !needsTurn && wakeGate.lieDown()
        needsTurn = false
        let count = events.wait(epoll.number, timeoutMilliseconds: maySleep ? sleepMilliseconds() : 0)
        wakeGate.rise()
        return count
    }

    private func sleepMilliseconds() -> Int32 {
        let now = postern_monotonic_nanoseconds()
        var until = nextSecond
        if isDraining { until = min(until, drainDeadline) }
        if let listenerPausedUntil { until = min(until, listenerPausedUntil) }
        // Rounded up: waking a little early would mean a turn for nothing.
        let milliseconds = until > now ? (until - now + 999_999) / 1_000_000 : 0
        let next = deadlines.value.millisecondsUntilNext(nowMilliseconds: now / 1_000_000) ?? milliseconds
        return Int32(min(milliseconds, next))
    }

    private func special(_ token: UInt64, _ handler: any ConnectionHandler) {
        switch token {
        case Token.wake:
            statistics.wakeups.add(Int(max(0, postern_eventfd_clear(wakeDescriptor.number))))
        case Token.signals: takeSignals(handler)
        default:
            let number = Int((token - Token.firstListener) >> 32)
            // They may have been closed by what came before in this turn.
            if number < listeners.count { acceptConnections(number, handler) }
        }
    }

    private func takeSignals(_ handler: any ConnectionHandler) {
        while true {
            switch postern_signals_read(signals) {
            case 0: return
            case SignalNumber.hangUp: handler.reloadRequested()
            default:
                // The first asks to drain, the second means now.
                if shared.isDraining.load(ordering: .relaxed) { shared.stop() } else { shared.drain() }
            }
        }
    }

    private enum SignalNumber { static let hangUp: Int32 = 1 }

    private func beginDrain(_ handler: any ConnectionHandler) {
        isDraining = true
        // Whoever asks for more than thirty years gets those.
        drainDeadline = nowNanoseconds + min(configuration.drainTimeoutMilliseconds, 1 << 40) * 1_000_000
        acceptQueued(handler)
        closeListeners()
        handler.drainBegan()
    }
}
