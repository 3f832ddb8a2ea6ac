import Arenas
import EventLoop
import HTTP
import PubSub

/// What is acknowledged only once it is on disk: the reply is written at once and held until the log has settled it.
///
/// More publishes of the same connection are served meanwhile, and their replies held behind the first; whatever else it
/// asks waits until all are sent, so that replies leave in the order of the requests.
extension LoopCore {
    /// The request under way is answered only once `commit` is settled.
    mutating func awaitCommit(_ commit: Commit) {
        awaitedCommit = max(awaitedCommit, commit)
        hasAppended = true
    }

    /// Delivers messages whose time has come. One loop does it, for all.
    mutating func deliverDue() {
        guard loop.index == 0 else { return }
        let now = loop.wallClockMicroseconds(at: loop.nowNanoseconds)
        guard log.nextDueMicroseconds <= now else { return }
        var delivered = log.deliverDue(nowMicroseconds: now)
        if delivered.commit != .none { hasAppended = true }
        while let index = delivered.told.popFirst() { shared.loops[index].wake() }
    }

    /// Has the log write what this turn appended: one write for all of it.
    mutating func submit() {
        guard hasAppended else { return }
        hasAppended = false
        log.submit()
    }

    /// Whether a request of this connection may be served now.
    func mayServe(_ method: Method, _ index: Int) -> Bool {
        let held = exchanges[index].held
        return held == 0 || (method == .post && held < Limits.heldReplies)
    }

    /// Holds the reply that begins at `mark` of what is gathered.
    /// - Parameter accessEntry: where it is kept what the log of requests is told.
    mutating func holdReply(
        _ id: ConnectionID, from mark: Int, _ operation: Operation, _ method: Method, _ status: Int,
        _ accessEntry: UInt32
    ) {
        let index = Int(id.index)
        if mark > 0 {
            // What was answered before it does not wait for it.
            if exchanges[index].held == 0 {
                loop.send(id, replies.output.span.extracting(0..<mark))
            } else {
                hold(HeldReply(connection: id, commit: held.lastCommit), from: 0, to: mark)
            }
        }
        let reply = HeldReply(
            connection: id, commit: awaitedCommit, isReceipt: true, closes: closesConnection, operation: operation,
            method: method, status: UInt16(status), startedNanoseconds: loop.nowNanoseconds,
            accessEntry: accessEntry)
        awaitedCommit = .none
        hold(reply, from: mark, to: replies.output.count)
        replies.removeAll()
        endServing(index)
        lastNanoseconds = loop.exactNanoseconds
    }

    /// Holds what is gathered behind what the connection waits for already.
    mutating func holdRest(_ id: ConnectionID) {
        guard !replies.isEmpty || closesConnection else { return }
        let reply = HeldReply(connection: id, commit: held.lastCommit, closes: closesConnection)
        hold(reply, from: 0, to: replies.output.count)
        replies.removeAll()
        endServing(Int(id.index))
    }

    private mutating func hold(_ reply: HeldReply, from start: Int, to end: Int) {
        held.append(reply, replies.output, start..<end)
        exchanges[Int(reply.connection.index)].held += 1
    }

    private mutating func endServing(_ index: Int) {
        guard closesConnection else { return }
        closesConnection = false
        exchanges[index].phase = .ended
    }

    /// Sends what is settled. Called once a turn.
    mutating func releaseHeld() {
        guard !held.isEmpty else { return }
        while true {
            let settled = log.settled
            while let reply = held.first, reply.commit <= settled { release(reply) }
            guard let next = held.first else { return log.await(.none, reader: reader.index) }
            log.await(next.commit, reader: reader.index)
            // Settled before the log knew that it is awaited: nobody would wake this loop.
            guard log.settled >= next.commit else { return }
        }
    }

    private mutating func release(_ reply: HeldReply) {
        let id = reply.connection
        let verdict = reply.isReceipt ? log.verdict(on: reply.commit) : .stored
        let isOpen = loop.connection(at: Int(id.index)) == id
        var entry = reply.accessEntry
        if isOpen { exchanges[Int(id.index)].held -= 1 }
        switch verdict {
        case .stored:
            if isOpen { loop.send(id, held.firstText) }
            held.removeFirst()
            if reply.isReceipt {
                let now = loop.exactNanoseconds
                metrics.observe(
                    reply.operation, reply.method, Int(reply.status), nanoseconds: now &- reply.startedNanoseconds)
                tellKept(
                    &entry, Int(reply.status), replyBytes: reply.byteCount,
                    nanoseconds: now &- reply.startedNanoseconds)
            }
            guard isOpen else { return }
            if reply.closes { finish(id) } else if exchanges[Int(id.index)].held == 0 { goOn(id) }
        case .refused(let error):
            held.removeFirst()
            let problem = APIProblem.from(error)
            metrics.observe(
                reply.operation, reply.method, problem.status,
                nanoseconds: loop.exactNanoseconds &- reply.startedNanoseconds)
            tellKept(
                &entry, problem.status, replyBytes: 0, nanoseconds: loop.exactNanoseconds &- reply.startedNanoseconds)
            guard isOpen else { return }
            // What was answered behind it on this connection is not sent: the client is to look at this first.
            replies.problem(problem, of: Span(), .closes, isHead: false)
            loop.send(id, replies.output.span)
            replies.removeAll()
            finish(id)
        }
    }

    /// Nothing of the connection is held any more.
    private mutating func goOn(_ id: ConnectionID) {
        let index = Int(id.index)
        if exchanges[index].phase == .committing {
            exchanges[index].phase = .head
            loop.resumeReading(id)
            process(id, Span())
        }
        send(id)
        guard exchanges[index].phase == .head, exchanges[index].held == 0 else { return }
        if loop.hasReadEnd(id) {
            finish(id)
        } else if isDraining, exchanges[index].stash == Exchange.none {
            beginIdling(id)
        }
    }
}
