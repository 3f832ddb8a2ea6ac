import Arenas
import EventLoop
import HTTP
import PubSub

/// From bytes to requests.
extension LoopCore {
    /// Serves what a connection sent, together with what it sent before and could not be served yet.
    mutating func process(_ id: ConnectionID, _ bytes: Span<UInt8>) {
        let index = Int(id.index)
        // A stream is a connection's last reply: nothing behind its request is served.
        if exchanges[index].phase == .ended || exchanges[index].phase == .streaming { return }
        lastNanoseconds = max(lastNanoseconds, loop.nowNanoseconds)
        let slot = exchanges[index].stash
        guard slot != Exchange.none, var stash = stashes[slot].take() else {
            let used = serve(id, bytes)
            if used < bytes.count, exchanges[index].phase != .ended { keep(id, bytes.extracting(used..<bytes.count)) }
            return
        }
        stash.append(contentsOf: bytes)
        if isWaiting(index) {
            putStash(id, stash)
            return
        }
        let used = serve(id, stash.span)
        // Served requests may have ended the connection, and its stash with it.
        if exchanges[index].phase == .ended { return }
        if used == stash.count {
            stash.removeAll()
            stash.shrink(to: Self.keptStashBytes)
            stashes[slot] = consume stash
            stashes.give(slot)
            exchanges[index].stash = Exchange.none
        } else if used == 0 {
            putStash(id, stash)
        } else if stash.reservedBytes <= Self.keptStashBytes {
            stash.removeFirst(used)
            putStash(id, stash)
        } else {
            var rest = OutputBuffer(capacity: max(stash.count - used, Self.stashBytes))
            rest.append(contentsOf: stash.span.extracting(used..<stash.count))
            putStash(id, rest)
        }
    }

    /// What a new stash has room for: more than most heads.
    private static let stashBytes = 1024

    /// What a stash keeps for the next one: some fifty requests of a client that sends ahead.
    private static let keptStashBytes = 4096

    private mutating func keep(_ id: ConnectionID, _ bytes: Span<UInt8>) {
        let slot = stashes.take { nil }
        var stash = stashes[slot].take() ?? OutputBuffer(capacity: Self.stashBytes)
        stash.append(contentsOf: bytes)
        exchanges[Int(id.index)].stash = slot
        putStash(id, stash)
    }

    private mutating func putStash(_ id: ConnectionID, _ stash: consuming OutputBuffer) {
        // A client that sends ahead is read no further than this.
        if isWaiting(Int(id.index)), stash.count > Limits.sentAheadBytes { loop.pauseReading(id) }
        stashes[exchanges[Int(id.index)].stash] = consume stash
    }

    /// Whether the requests behind the one under way have to wait.
    private func isWaiting(_ index: Int) -> Bool {
        switch exchanges[index].phase {
        case .parked, .blocked, .committing: true
        case .head, .body, .streaming, .ended: false
        }
    }

    mutating func dropStash(_ index: Int) {
        let slot = exchanges[index].stash
        guard slot != Exchange.none else { return }
        // The stash itself may be in use up the call chain; then there is nothing here to shorten.
        if var stash = stashes[slot].take() {
            stash.removeAll()
            stash.shrink(to: Self.keptStashBytes)
            stashes[slot] = consume stash
        }
        stashes.give(slot)
        exchanges[index].stash = Exchange.none
    }

    /// Serves requests from the start of `bytes` on, as far as they are complete.
    /// - Returns: how many bytes were used up.
    private mutating func serve(_ id: ConnectionID, _ bytes: Span<UInt8>) -> Int {
        let index = Int(id.index)
        var offset = 0
        while offset < bytes.count {
            switch exchanges[index].phase {
            case .head:
                guard let used = serveHead(id, bytes.extracting(offset..<bytes.count)) else { return offset }
                offset += used
            case .body:
                offset += continueBody(id, bytes.extracting(offset..<bytes.count))
            case .parked, .blocked, .committing, .ended: return offset
            case .streaming: return bytes.count
            }
            if replies.output.count > Limits.gatheredReplyBytes {
                send(id)
                if offset < bytes.count { giveWay(id) }
            }
            if closesConnection {
                // Nothing behind the last reply is served.
                exchanges[index].phase = .ended
                return bytes.count
            }
        }
        return offset
    }

    /// A client that asks for much at once had its share: others are served before the rest.
    private mutating func giveWay(_ id: ConnectionID) {
        let index = Int(id.index)
        guard exchanges[index].phase == .head, exchanges[index].held == 0 else { return }
        exchanges[index].phase = .blocked
        postponed.append(id)
        loop.requestTurn()
    }

    /// Goes on with those that gave way in the turn before.
    mutating func servePostponed() {
        guard !postponed.isEmpty else { return }
        while let id = postponed.popDue() {
            // It may be another client's place by now.
            if loop.connection(at: Int(id.index)) == id { outputDrained(id) }
        }
        postponed.endTurn()
        if !postponed.isEmpty { loop.requestTurn() }
    }

    /// Parses a head and serves its request, or begins to take its body.
    /// - Returns: how many bytes were used up; nil where the head is not complete.
    private mutating func serveHead(_ id: ConnectionID, _ bytes: Span<UInt8>) -> Int? {
        let index = Int(id.index)
        replies.origin = 0
        replies.standing = nil
        replies.nameRequest(nil)
        principal = nil
        do throws(HTTPError) {
            guard case .head(let head) = try parser.parse(bytes, resume: &exchanges[index].scan) else {
                beginWaiting(id)
                return nil
            }
            exchanges[index].scan = ScanPosition()
            guard mayServe(head.method, index) else {
                exchanges[index].phase = .committing
                return nil
            }
            exchanges[index].startedNanoseconds = loop.nowNanoseconds
            exchanges[index].method = head.method
            replies.origin = origin(of: head, bytes)
            takeRequestID(bytes)
            return begin(id, head, bytes)
        } catch {
            exchanges[index].startedNanoseconds = loop.nowNanoseconds
            writeProblem(id, .from(error), .none, nil)
            return bytes.count
        }
    }

    /// Takes the name that the client gave its request, of the head that was parsed last.
    mutating func takeRequestID(_ bytes: Span<UInt8>) {
        guard let field = parser.value(named: "x-request-id", in: bytes), !field.isRepeated else {
            return replies.nameRequest(nil)
        }
        replies.nameRequest(bytes.extracting(field.range))
    }

    /// The head is not all there: it has so long to come.
    private mutating func beginWaiting(_ id: ConnectionID) {
        guard exchanges[Int(id.index)].stash == Exchange.none else { return }
        loop.setDeadline(id, milliseconds: live.configuration.headTimeoutMilliseconds)
    }

    private mutating func begin(_ id: ConnectionID, _ head: RequestHead, _ bytes: Span<UInt8>) -> Int {
        let length = head.isChunked ? nil : head.contentLength ?? 0
        if let length {
            guard length <= live.configuration.maximumBodyBytes else {
                pool.countOversizeRejection()
                writeProblem(id, .payloadTooLarge(limit: live.configuration.maximumBodyBytes), .none, head)
                return bytes.count
            }
            if length <= bytes.count - head.byteCount {
                let end = head.byteCount + length
                let body = bytes.extracting(head.byteCount..<end)
                serveWhole(id, head, bytes.extracting(0..<head.byteCount), body)
                return end
            }
        }
        // A body that is still to come is not waited for where its request is refused anyway.
        do throws(APIProblem) {
            let admission = try admit(id, head, bytes)
            guard admission.answered == nil else {
                closesConnection = true
                return bytes.count
            }
            return takeBody(id, head, length, bytes, admission)
        } catch {
            writeProblem(id, error.with { $0.closesConnection = true }, .none, head, of: bytes)
            return bytes.count
        }
    }

    /// A request that arrived whole is served where it stands.
    private mutating func serveWhole(
        _ id: ConnectionID, _ head: RequestHead, _ bytes: Span<UInt8>, _ body: Span<UInt8>
    ) {
        do throws(ArenaPoolError) {
            let began = lastNanoseconds
            let lease = try pool.acquire(expectedBytes: 0)
            dispatch(id, head, bytes, body, lease.arena)
            noteLease(lease, since: began)
        } catch {
            serveWithoutLease(id, head, bytes, body)
        }
    }

    /// The budget is used up. What brings no body is served from the loop's own reserve, so that probes, metrics and reads
    /// go on.
    private mutating func serveWithoutLease(
        _ id: ConnectionID, _ head: RequestHead, _ bytes: Span<UInt8>, _ body: Span<UInt8>
    ) {
        guard body.count == 0, head.method == .get || head.method == .head, var arena = reserve.take() else {
            return writeProblem(id, .overloaded("all memory for requests is in use"), .none, head)
        }
        dispatch(id, head, bytes, body, arena)
        arena.reset()
        reserve = consume arena
    }

    /// Writes the request's figures at its end.
    func noteLease(_ lease: borrowing ArenaLease, since start: UInt64) {
        metrics.arenaBytes.observe(value: UInt64(lease.usedBytes))
        metrics.arenaHold.observe(nanoseconds: max(lastNanoseconds, start) &- start)
    }
}

extension APIProblem {
    static func from(_ error: HTTPError) -> APIProblem {
        APIProblem(error.status, error.code, error.explanation).with { $0.closesConnection = true }
    }
}
