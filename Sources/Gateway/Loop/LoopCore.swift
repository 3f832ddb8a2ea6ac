import Access
import Arenas
import EventLoop
import HTTP
import PubSub

/// The state of one loop's connections: requests that arrive, polls that are parked, streams, replies on their way out.
///
/// The way of a request: `received` → `serve` finds its head → `begin` finds its body → `dispatch` leases an arena and
/// calls the handler → the reply is gathered in `replies` → `send`. One thread; nothing here waits.
///
/// What runs for each request is `mutating`, also where it changes nothing: the compiler lends a struct as large as this
/// one to other functions by copying it, two kilobytes each time.
struct LoopCore: ~Copyable {
    let loop: EventLoop
    let shared: GatewayShared
    let log: any MessageLog
    let reader: any LogReader
    let pool: LocalArenaPool
    let metrics: LoopMetrics
    /// What holds for this loop until it next looks whether there is anything newer, once a second.
    var live: LiveConfiguration
    var parser = RequestParser()
    var exchanges = StableArray<Exchange>()
    var clients = StableArray<ClientConnection>()
    /// The client of the request under way, where limits hold for it.
    var limitedClient: ConnectionID?
    /// Where the batch under way stands in a trace, if its messages are to tell.
    var batchTrace: TraceContext?
    /// Topics that its messages bring into being, counted where that is limited.
    var createdTopics: UInt64 = 0
    var stashes = SlotPool<OutputBuffer?>()
    var incoming = SlotPool<IncomingRequest>()
    /// What the log of requests is told of those that are not answered yet, and how many were counted for it.
    var keptEntries = SlotPool<AccessEntry?>()
    var requestNumber: UInt64 = 0
    /// Names of requests that are parked, of those that have one.
    var parkedNames = SlotPool<OutputBuffer>()
    var postponed = PostponedConnections()
    var waiters = WaiterTable()
    var streams = StreamTable()
    var drafts = DraftList(capacity: Limits.batchMessages)
    var replies: Replies
    /// What is written once and sent to every waiter that it serves.
    var delivery: Replies
    /// For requests without a body while the pool's budget is used up.
    var reserve: ScopedArena? = ScopedArena(limits: .init(initialBytes: 32 << 10, maximumBytes: 64 << 10))
    /// What tokens are decoded in, and those that were good.
    var tokenArena: ScopedArena? = ScopedArena(limits: .init(initialBytes: 16 << 10, maximumBytes: 64 << 10))
    var tokens = TokenCache()
    /// Which reading of the files of tokens streams were last held against.
    var tokenGeneration: UInt64 = 1
    /// Whose token the request under way shows; nil where all is allowed.
    var principal: Principal?
    var isDraining = false
    /// When the last request of this turn was done: the start of what the next one holds.
    var lastNanoseconds: UInt64 = 0
    /// Replies that wait for the log, and what the request under way is to wait for.
    var held = HeldReplies()
    var awaitedCommit = Commit.none
    /// Something was appended in this turn that the log has not been told to write.
    var hasAppended = false
    /// The reply under way ends the connection.
    var closesConnection = false

    init(loop: EventLoop, shared: GatewayShared, metrics: LoopMetrics) {
        self.loop = loop
        self.shared = shared
        self.metrics = metrics
        live = shared.live.current
        log = shared.log
        reader = shared.log.makeReader()
        pool = shared.arenas.makeLocal()
        replies = Replies(capacity: 64 << 10, crossOrigin: shared.crossOrigin)
        delivery = Replies(capacity: 64 << 10, crossOrigin: shared.crossOrigin)
        updateDate()
    }

    mutating func end() { waiters.end() }

    // MARK: The loop's events

    mutating func opened(_ id: ConnectionID) {
        exchanges.reserve(through: Int(id.index)) { Exchange() }
        exchanges[Int(id.index)] = Exchange()
        loop.setDeadline(id, milliseconds: live.configuration.headTimeoutMilliseconds)
        admitConnection(id)
    }

    mutating func received(_ id: ConnectionID, _ bytes: Span<UInt8>) {
        process(id, bytes)
        send(id)
    }

    /// The client shut its side. What it asked for completely is answered by now; what is parked or half sent is given
    /// up, as a client that closed is not told from one that only stopped sending.
    mutating func peerFinishedSending(_ id: ConnectionID) {
        // What it asked for is answered first, once that is on disk.
        guard exchanges[Int(id.index)].held == 0 else { return }
        switch exchanges[Int(id.index)].phase {
        case .head, .body, .parked: finish(id)
        case .streaming:
            dropStream(id, .client)
            finish(id)
        // What it sent before is served first.
        case .blocked, .committing, .ended: break
        }
    }

    /// The client took what waited for it, or gave way for a turn: requests it sent meanwhile are served.
    mutating func outputDrained(_ id: ConnectionID) {
        let index = Int(id.index)
        if exchanges[index].phase == .streaming { return streamDrained(id) }
        guard exchanges[index].phase == .blocked else { return }
        exchanges[index].phase = .head
        beginIdling(id)
        loop.resumeReading(id)
        process(id, Span())
        send(id)
        guard exchanges[index].phase == .head else { return }
        if loop.hasReadEnd(id) { finish(id) }
    }

    mutating func deadlineReached(_ id: ConnectionID) {
        switch exchanges[Int(id.index)].phase {
        case .parked: answerEmpty(id)
        case .streaming: streamDeadlineReached(id)
        case .body: refuse(id, Self.timeout)
        case .head:
            // An idle connection is closed without a word; a head that does not come to an end is told.
            if exchanges[Int(id.index)].stash == Exchange.none { finish(id) } else { refuse(id, Self.timeout) }
        // Whose output is awaited the loop itself cuts off.
        case .blocked, .committing, .ended: break
        }
    }

    private static let timeout = APIProblem(408, "request_timeout", "the request did not arrive in time")

    /// The connection is over: whatever it held is given back.
    mutating func closed(_ id: ConnectionID, _ reason: CloseReason) {
        let index = Int(id.index)
        dropStream(id, reason == .slowReader ? .stalled : reason == .loopEnded ? .stopped : .client)
        unpark(id)
        dropStash(index)
        dropIncoming(index)
        leaveConnection(index)
        exchanges[index].phase = .ended
    }

    mutating func everySecond() {
        updateDate()
        takeUpConfiguration()
        let seconds = Int(loop.nowNanoseconds / 1_000_000_000)
        pool.trim(nowSeconds: seconds)
        let reader = reader
        endRevoked()
        let patternsEnded = waiters.sweep { reader.unwatch($0) }
        if patternsEnded { reader.unwatchAll() }
        guard loop.index == 0 else { return }
        shared.arenas.trim(nowSeconds: seconds)
        log.enforceRetention(nowMicroseconds: loop.wallClockMicroseconds)
    }

    private mutating func takeUpConfiguration() {
        guard shared.live.generation != live.generation else { return }
        live = shared.live.current
        loop.setLimits(
            maximumConnections: live.configuration.maximumConnections,
            stallMilliseconds: UInt64(live.configuration.stallTimeoutMilliseconds),
            drainTimeoutMilliseconds: UInt64(live.configuration.drainTimeoutMilliseconds))
    }

    private mutating func updateDate() {
        let date = HTTPDate(unixSeconds: loop.wallClockMicroseconds / 1_000_000)
        replies.date = date
        delivery.date = date
    }

    /// Answers every parked poll with its cursor. Those with a request under way are closed behind its reply, and so are
    /// idle ones behind that of the request they may send yet; where none comes, they are closed after a while.
    mutating func drainBegan() {
        isDraining = true
        if loop.index == 0 {
            shared.logger.notice(
                "draining", metadata: ["waiters": "\(shared.metrics.reduce(0) { $0 + $1.waiters.value })"])
            shared.onDrain()
        }
        for index in 0..<exchanges.count {
            guard let id = loop.connection(at: index) else { continue }
            switch exchanges[index].phase {
            case .parked: answerEmpty(id)
            case .streaming: drainStream(id)
            case .head where exchanges[index].stash == Exchange.none && exchanges[index].held == 0: beginIdling(id)
            case .head, .body, .blocked, .committing, .ended: break
            }
        }
    }

    // MARK: Out

    /// Sends what was gathered for a connection.
    mutating func send(_ id: ConnectionID) {
        guard exchanges[Int(id.index)].held == 0 else { return holdRest(id) }
        if !replies.isEmpty {
            loop.send(id, replies.output.span)
            replies.removeAll()
        }
        if closesConnection {
            closesConnection = false
            finish(id)
        } else if exchanges[Int(id.index)].phase == .head, loop.hasPendingOutput(id) {
            // A client that asks faster than it reads is served no faster than it reads.
            exchanges[Int(id.index)].phase = .blocked
            loop.awaitOutput(id)
        }
    }

    /// Ends a connection behind its last reply.
    mutating func finish(_ id: ConnectionID) {
        closed(id, .finished)
        loop.closeAfterFlush(id)
    }

    /// Answers with a problem outside of any handler, and closes.
    mutating func refuse(_ id: ConnectionID, _ problem: APIProblem) {
        let exchange = exchanges[Int(id.index)]
        replies.origin = 0
        replies.nameRequest(nil)
        replies.problem(problem, of: Span(), .closes, isHead: exchange.method == .head)
        metrics.observe(
            .none, exchange.method, problem.status, nanoseconds: loop.nowNanoseconds &- exchange.startedNanoseconds)
        closesConnection = true
        send(id)
    }
}
