import Arenas
import CLinux
import Synchronization

/// One thread's sockets, deadlines and wake-ups, over epoll, level-triggered.
///
/// All but `wake`, `index` and `statistics` is for the loop's own thread. In steady state nothing is allocated.
public final class EventLoop: @unchecked Sendable {
    /// The loop's number in its group.
    public let index: Int
    public let statistics = LoopStatistics()

    let configuration: EventLoopConfiguration
    private let shared: GroupState
    private let epoll: Int32
    private let wakeDescriptor: Int32
    private var listener: Int32
    private var signals: Int32
    private var handler: (any ConnectionHandler)?

    var connections = StableArray<Connection>()
    private var firstFree = Connection.none
    private var firstDoomed = Connection.none
    var pendingOutputs = SlotPool<PendingOutput>()
    var deadlines: TimerWheel
    private let scratch: ReadScratch
    private let events = EventBatch()

    /// Monotonic time, read once a turn.
    public private(set) var nowNanoseconds: UInt64
    private var nextSecond: UInt64
    private var listenerPausedUntil: UInt64?
    private var needsTurn = false
    private var isDraining = false
    private var drainDeadline = UInt64.max

    private let isWakePending = Atomic<Bool>(false)
    private let isAsleep = Atomic<Bool>(false)

    /// Connections accepted in one turn, so that a rush of them does not starve those that are there.
    private static let acceptsPerTurn = 64
    /// How long accepting rests when descriptors have run out.
    private static let acceptPauseMilliseconds: UInt64 = 100

    private enum Token {
        static let listener: UInt64 = 0xFFFF_FFFF
        static let wake: UInt64 = 1 << 32 | 0xFFFF_FFFF
        static let signals: UInt64 = 2 << 32 | 0xFFFF_FFFF
    }

    init(
        index: Int, listener: Int32, signals: Int32, configuration: EventLoopConfiguration, shared: GroupState
    ) throws(SystemError) {
        self.index = index
        self.listener = listener
        self.signals = signals
        self.configuration = configuration
        self.shared = shared
        epoll = try SystemCalls.checked(postern_epoll_create(), "epoll_create1")
        wakeDescriptor = try SystemCalls.checked(postern_eventfd(), "eventfd")
        scratch = ReadScratch(byteCount: configuration.readBytes)
        let now = postern_monotonic_nanoseconds()
        nowNanoseconds = now
        nextSecond = now + 1_000_000_000
        deadlines = TimerWheel(nowMilliseconds: now / 1_000_000)
        _ = try SystemCalls.checked(postern_epoll_add(epoll, listener, POSTERN_READ.rawValue, Token.listener), "epoll_ctl")
        _ = try SystemCalls.checked(postern_epoll_add(epoll, wakeDescriptor, POSTERN_READ.rawValue, Token.wake), "epoll_ctl")
        if signals >= 0 {
            _ = try SystemCalls.checked(postern_epoll_add(epoll, signals, POSTERN_READ.rawValue, Token.signals), "epoll_ctl")
        }
    }

    deinit {
        _ = postern_close(epoll)
        _ = postern_close(wakeDescriptor)
    }

    /// Real time now, in microseconds since 1970.
    public var wallClockMicroseconds: Int64 { postern_realtime_microseconds() }

    /// Monotonic time this instant, not the turn's.
    public var exactNanoseconds: UInt64 { postern_monotonic_nanoseconds() }

    // MARK: Waking

    /// Makes the loop take a turn soon. Any thread; costs a system call only where the loop sleeps, at most once a turn.
    public func wake() {
        guard !isWakePending.exchange(true, ordering: .sequentiallyConsistent) else { return }
        if isAsleep.load(ordering: .sequentiallyConsistent) {
            statistics.wakeups.add(1)
            _ = postern_eventfd_signal(wakeDescriptor)
        }
    }

    /// Asks for another turn without sleeping: there is work left that was put off for fairness.
    public func requestTurn() { needsTurn = true }

    // MARK: Running

    func attach(_ handler: any ConnectionHandler) { self.handler = handler }

    /// Serves until the group stops, or has drained.
    func run() {
        guard let handler else { preconditionFailure("a loop runs with a handler") }
        while !shared.isStopping.load(ordering: .relaxed), !(isDraining && (openCount == 0 || nowNanoseconds > drainDeadline)) {
            turn(handler)
        }
        closeListener()
        for index in 0..<connections.count where connections[index].phase != .free {
            doom(UInt32(index), .loopEnded)
        }
        reap(handler)
        self.handler = nil
    }

    private var openCount: Int { statistics.open.value }

    private func turn(_ handler: any ConnectionHandler) {
        let count = waitForEvents()
        nowNanoseconds = postern_monotonic_nanoseconds()
        for position in 0..<count {
            let event = events[position]
            if UInt32(truncatingIfNeeded: event.token) == .max {
                special(event.token, handler)
            } else {
                serve(ConnectionID(packed: event.token), event.events, handler)
            }
        }
        deadlines.advance(toMilliseconds: nowNanoseconds / 1_000_000)
        while let index = deadlines.popDue() { deadlineReached(UInt32(index), handler) }
        if nowNanoseconds >= nextSecond {
            nextSecond = nowNanoseconds + 1_000_000_000
            handler.everySecond()
        }
        if !isDraining, shared.isDraining.load(ordering: .relaxed) { beginDrain(handler) }
        resumeListenerIfDue()
        handler.tick()
        reap(handler)
    }

    private func waitForEvents() -> Int {
        statistics.waits.add(1)
        if needsTurn || isWakePending.load(ordering: .relaxed) {
            needsTurn = false
            let count = events.wait(epoll, timeoutMilliseconds: 0)
            isWakePending.store(false, ordering: .sequentiallyConsistent)
            return count
        }
        // The flag goes up before the last look, so that a wake between the look and the sleep writes to the eventfd.
        isAsleep.store(true, ordering: .sequentiallyConsistent)
        let timeout = isWakePending.load(ordering: .sequentiallyConsistent) ? 0 : sleepMilliseconds()
        let count = events.wait(epoll, timeoutMilliseconds: timeout)
        isAsleep.store(false, ordering: .sequentiallyConsistent)
        isWakePending.store(false, ordering: .sequentiallyConsistent)
        return count
    }

    private func sleepMilliseconds() -> Int32 {
        let now = postern_monotonic_nanoseconds()
        var until = nextSecond > now ? (nextSecond - now) / 1_000_000 + 1 : 0
        if let next = deadlines.millisecondsUntilNext(nowMilliseconds: now / 1_000_000) { until = min(until, next) }
        if listenerPausedUntil != nil { until = min(until, Self.acceptPauseMilliseconds) }
        return Int32(until)
    }

    private func special(_ token: UInt64, _ handler: any ConnectionHandler) {
        switch token {
        case Token.listener: acceptConnections(handler)
        case Token.wake: _ = postern_eventfd_clear(wakeDescriptor)
        default: takeSignals(handler)
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
        drainDeadline = nowNanoseconds + configuration.drainTimeoutMilliseconds * 1_000_000
        closeListener()
        handler.drainBegan()
    }

    // MARK: Accepting

    private func acceptConnections(_ handler: any ConnectionHandler) {
        for _ in 0..<Self.acceptsPerTurn {
            let descriptor = postern_accept(listener)
            if descriptor < 0 {
                if -descriptor == SystemErrorNumber.wouldBlock { return }
                // A peer that went while it was queued; the next may be well.
                if -descriptor == SystemErrorNumber.connectionAborted || -descriptor == SystemErrorNumber.interrupted { continue }
                statistics.acceptErrors.add(1)
                pauseListener()
                return
            }
            guard shared.takeConnection(limit: configuration.maximumConnections) else {
                statistics.refused.add(1)
                refuse(descriptor)
                continue
            }
            admit(descriptor, handler)
        }
    }

    private func refuse(_ descriptor: Int32) {
        var refusal = OutputBuffer(capacity: configuration.refusal.utf8CodeUnitCount)
        refusal.append(configuration.refusal)
        _ = SystemCalls.send(descriptor, refusal.span)
        _ = postern_shutdown_sending(descriptor)
        _ = postern_close(descriptor)
    }

    private func admit(_ descriptor: Int32, _ handler: any ConnectionHandler) {
        let index = takeSlot()
        connections[Int(index)].descriptor = descriptor
        connections[Int(index)].phase = .open
        let id = ConnectionID(index: index, generation: connections[Int(index)].generation)
        statistics.accepted.add(1)
        statistics.open.add(1)
        guard postern_epoll_add(epoll, descriptor, POSTERN_READ.rawValue, id.packed) >= 0 else {
            connections[Int(index)].isHandlerDone = true
            doom(index, .failed)
            return
        }
        handler.opened(id)
    }

    private func takeSlot() -> UInt32 {
        if firstFree == Connection.none {
            let begin = connections.count
            connections.reserve(through: begin) { Connection() }
            for index in (begin..<connections.count).reversed() {
                connections[index].next = firstFree
                firstFree = UInt32(index)
            }
        }
        let index = firstFree
        firstFree = connections[Int(index)].next
        let generation = connections[Int(index)].generation
        connections[Int(index)] = Connection()
        connections[Int(index)].generation = generation
        return index
    }

    /// Out of descriptors: the listener would be ready for ever, so it rests a while.
    private func pauseListener() {
        _ = postern_epoll_remove(epoll, listener)
        listenerPausedUntil = nowNanoseconds + Self.acceptPauseMilliseconds * 1_000_000
    }

    private func resumeListenerIfDue() {
        guard let until = listenerPausedUntil, nowNanoseconds >= until else { return }
        listenerPausedUntil = nil
        if listener >= 0 { _ = postern_epoll_add(epoll, listener, POSTERN_READ.rawValue, Token.listener) }
    }

    private func closeListener() {
        guard listener >= 0 else { return }
        if listenerPausedUntil == nil { _ = postern_epoll_remove(epoll, listener) }
        _ = postern_close(listener)
        listener = -1
    }

    // MARK: Serving

    private func serve(_ id: ConnectionID, _ reported: UInt32, _ handler: any ConnectionHandler) {
        guard isCurrent(id) else { return }
        let index = Int(id.index)
        if reported & POSTERN_WRITE.rawValue != 0 { flush(id.index) }
        guard isCurrent(id), connections[index].phase != .doomed else { return }
        if reported & (POSTERN_READ.rawValue | POSTERN_ERROR.rawValue | POSTERN_HANG_UP.rawValue) != 0,
            !connections[index].isReadingPaused || reported & (POSTERN_ERROR.rawValue | POSTERN_HANG_UP.rawValue) != 0
        {
            read(id, handler)
        } else if reported & POSTERN_PEER_CLOSED.rawValue != 0 {
            peerFinished(id, handler)
        }
    }

    private func read(_ id: ConnectionID, _ handler: any ConnectionHandler) {
        let index = Int(id.index)
        statistics.receives.add(1)
        let count = scratch.receive(connections[index].descriptor)
        if count > 0 {
            statistics.bytesRead.add(count)
            if connections[index].phase == .open { scratch.withBytes(count) { handler.received(id, $0) } }
        } else if count == 0 {
            peerFinished(id, handler)
        } else if Int32(-count) != SystemErrorNumber.wouldBlock, Int32(-count) != SystemErrorNumber.interrupted {
            doom(id.index, .failed)
        }
    }

    private func peerFinished(_ id: ConnectionID, _ handler: any ConnectionHandler) {
        let index = Int(id.index)
        guard !connections[index].hasPeerFinished else { return }
        connections[index].hasPeerFinished = true
        switch connections[index].phase {
        case .open:
            // A socket at its end is readable for ever; it is not to be asked again.
            arm(id.index)
            handler.peerFinishedSending(id)
        case .flushing: arm(id.index)
        case .lingering: doom(id.index, connections[index].reason)
        case .free, .doomed: break
        }
    }

    private func deadlineReached(_ index: UInt32, _ handler: any ConnectionHandler) {
        let id = ConnectionID(index: index, generation: connections[Int(index)].generation)
        switch connections[Int(index)].phase {
        case .open: handler.deadlineReached(id)
        case .flushing: doom(index, .slowReader)
        case .lingering: doom(index, connections[Int(index)].reason)
        case .free, .doomed: break
        }
    }

    func isCurrent(_ id: ConnectionID) -> Bool {
        Int(id.index) < connections.count && connections[Int(id.index)].generation == id.generation
            && connections[Int(id.index)].phase != .free
    }

    /// Tells epoll what the connection wants now.
    func arm(_ index: UInt32) {
        let connection = connections[Int(index)]
        var interest: UInt32 = 0
        if !connection.hasPeerFinished {
            interest |= connection.isReadingPaused ? POSTERN_PEER_CLOSED.rawValue : POSTERN_READ.rawValue
        }
        if connection.isWriteArmed { interest |= POSTERN_WRITE.rawValue }
        let id = ConnectionID(index: index, generation: connection.generation)
        _ = postern_epoll_modify(epoll, connection.descriptor, interest, id.packed)
    }

    // MARK: Ending

    /// Marks a connection to be closed before the turn ends: handlers are never called from inside their own calls.
    func doom(_ index: UInt32, _ reason: CloseReason) {
        let slot = Int(index)
        guard connections[slot].phase != .doomed, connections[slot].phase != .free else { return }
        connections[slot].phase = .doomed
        connections[slot].reason = reason
        connections[slot].next = firstDoomed
        firstDoomed = index
    }

    private func reap(_ handler: any ConnectionHandler) {
        while firstDoomed != Connection.none {
            let index = Int(firstDoomed)
            firstDoomed = connections[index].next
            let id = ConnectionID(index: UInt32(index), generation: connections[index].generation)
            if !connections[index].isHandlerDone { handler.closed(id, connections[index].reason) }
            deadlines.cancel(index)
            releasePending(UInt32(index))
            // Closing takes the descriptor out of epoll.
            _ = postern_close(connections[index].descriptor)
            statistics.open.add(-1)
            statistics.closed(connections[index].reason).add(1)
            shared.giveConnection()
            connections[index].phase = .free
            connections[index].generation &+= 1
            connections[index].next = firstFree
            firstFree = UInt32(index)
        }
    }
}

/// errno values this module tells apart.
enum SystemErrorNumber {
    static let interrupted: Int32 = 4
    static let wouldBlock: Int32 = 11
    static let connectionAborted: Int32 = 103
}
