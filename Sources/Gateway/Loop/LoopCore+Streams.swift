import Access
import Arenas
import EventLoop
import HTTP
import PubSub

/// Streams: how they begin, read on, stay alive and end.
///
/// A stream is a waiter that stays. It begins behind, and reads the log on its own until it has caught up; from then on
/// it is served with its group. One whose client does not take what it was sent is held, and is behind again once the
/// client has. The watch begins before the first read, so that no message falls between history and what is live.
extension LoopCore {
    mutating func openStream(
        _ id: ConnectionID, _ request: borrowing Request, _ query: ReadQuery, _ selection: borrowing Selection
    ) throws(APIProblem) -> Int {
        let position = try position(query, selection)
        if request.isHead {
            replies.streamHead(query.form, cursor(position))
            return 200
        }
        try occupy(id, .stream)
        guard !isDraining, shared.streams.enter() else {
            vacate(Int(id.index))
            throw .overloaded(isDraining ? "the server is about to stop" : "too many streams are open")
        }
        let waiter = Waiter(
            token: id.packed, position: position, next: position, limit: UInt16(Limits.streamMessages),
            form: query.form.packed)
        do throws(APIProblem) {
            let topic: TopicID?
            do throws(ReadError) { topic = try reader.watch(selection.target) } catch { throw problem(error) }
            exchanges[Int(id.index)].waiter = try park(waiter, for: selection.subscription, on: topic)
        } catch {
            shared.streams.leave()
            vacate(Int(id.index))
            throw error
        }
        register(id)
        writeOpening(query, position)
        observe(.readMessages, request.head.method, 200, startedNanoseconds: loop.nowNanoseconds)
        return 0
    }

    private mutating func register(_ id: ConnectionID) {
        let index = Int(id.index)
        waiters[exchanges[index].waiter].isHeld = true
        var stream = Stream()
        stream.connection = id
        stream.sentMilliseconds = nowMilliseconds
        let lifetime = live.configuration.streamLifetimeMilliseconds
        if lifetime > 0 {
            // Spread, so that what began together does not come back together.
            stream.endsMilliseconds = nowMilliseconds + UInt64(lifetime - lifetime / 10 + .random(in: 0...lifetime / 5))
        }
        if let expiry = principal?.expirySeconds {
            let ends = nowMilliseconds + UInt64(max(0, expiry - nowSeconds)) * 1000
            if ends < stream.endsMilliseconds {
                stream.endsMilliseconds = ends
                stream.endReason = .expired
            }
        }
        stream.principal = principal
        let slot = streams.open(stream)
        exchanges[index].stream = slot
        exchanges[index].phase = .streaming
        metrics.streams.add(1)
        streams.queue(slot)
        setStreamDeadline(id, slot)
    }

    private mutating func writeOpening(_ query: ReadQuery, _ position: UInt64) {
        let form = query.form
        replies.streamHead(form, cursor(position))
        let mark = replies.beginPiece(form)
        if form.kind == .eventStream { replies.streamOpening(cursor(position)) }
        if let foreign = query.foreign { replies.streamGap(after: foreign, earliest: cursor(position), form.kind) }
        replies.endPiece(mark, form)
    }

    /// Where a stream begins.
    /// - Throws: 410 where messages behind the client's cursor are lost and it would not hear of it: an EventSource
    ///   cannot see why it was refused, and is told by a gap instead.
    private func position(_ query: ReadQuery, _ selection: borrowing Selection) throws(APIProblem) -> UInt64 {
        let tellsGaps = query.form.kind == .eventStream || query.form.skipsGaps
        if query.foreign != nil {
            let earliest = earliestSequence(of: selection)
            guard tellsGaps else { throw .cursorGone(earliest: cursor(earliest)) }
            return earliest
        }
        switch query.start {
        case .after(let sequence):
            if !tellsGaps { _ = try probe(query.start, selection) }
            return sequence
        case .earliest: return earliestSequence(of: selection)
        case .latest: return log.lastSequence
        // What was lost before the time that was asked for is no gap.
        case .since: return max(try probe(query.start, selection).begin, earliestSequence(of: selection))
        }
    }

    private func probe(_ start: ReadRequest.Start, _ selection: borrowing Selection) throws(APIProblem) -> ReadOutcome {
        let request = ReadRequest(
            start: start, limit: 1, maximumBytes: 1, nowMicroseconds: loop.wallClockMicroseconds)
        do throws(ReadError) { return try reader.read(selection.target, request) { _ in } } catch {
            throw problem(error)
        }
    }

    private var nowMilliseconds: UInt64 { loop.nowNanoseconds / 1_000_000 }

    // MARK: Deliveries

    /// Sends a stream what was written for it, and moves its position.
    mutating func deliverToStream(
        _ id: ConnectionID, _ waiter: WaiterTable.ID, _ outcome: ReadOutcome, _ kind: ReadForm.Kind
    ) {
        waiters[waiter].position = outcome.scannedThrough
        guard !delivery.isEmpty else { return }
        waiters[waiter].next = outcome.count > 0 ? outcome.next : outcome.lostThrough ?? waiters[waiter].next
        loop.send(id, delivery.output.span)
        let slot = exchanges[Int(id.index)].stream
        streams[slot].sentMilliseconds = nowMilliseconds
        noteDelivery(outcome, kind)
        metrics.streamLag.observe(value: outcome.lastSequence &- outcome.scannedThrough)
        if loop.hasPendingOutput(id) { hold(id, slot, waiter) }
    }

    private mutating func hold(_ id: ConnectionID, _ slot: UInt32, _ waiter: WaiterTable.ID) {
        waiters[waiter].isHeld = true
        streams[slot].state = .held
        loop.awaitOutput(id)
    }

    /// The client has taken what was sent: the stream reads on.
    mutating func streamDrained(_ id: ConnectionID) {
        let slot = exchanges[Int(id.index)].stream
        guard streams[slot].state == .held else { return }
        if nowMilliseconds >= streams[slot].endsMilliseconds { return endStream(id, streams[slot].endReason) }
        streams.queue(slot)
        setStreamDeadline(id, slot)
    }

    /// Lets streams that are behind read on, one piece each.
    mutating func readOn() {
        var budget = Limits.readsPerTick
        while budget > 0, let slot = streams.popBehind() {
            budget -= 1
            readOn(slot)
        }
        delivery.removeAll()
    }

    private mutating func readOn(_ slot: UInt32) {
        let id = streams[slot].connection
        let waiterID = exchanges[Int(id.index)].waiter
        // What came before it on the connection goes first.
        guard !loop.hasPendingOutput(id) else { return hold(id, slot, waiterID) }
        let waiter = waiters[waiterID]
        let outcome = render(waiters.group(of: waiterID), waiter)
        deliverToStream(id, waiterID, outcome, ReadForm(packed: waiter.form).kind)
        guard streams[slot].state != .held else { return }
        if outcome.isAtEnd { waiters[waiterID].isHeld = false } else { streams.queue(slot) }
    }

    // MARK: Time

    /// The next heartbeat, or the end.
    private func setStreamDeadline(_ id: ConnectionID, _ slot: UInt32) {
        let now = nowMilliseconds
        let heartbeat = streams[slot].sentMilliseconds + UInt64(live.configuration.heartbeatMilliseconds)
        let next = min(heartbeat, streams[slot].endsMilliseconds)
        loop.setDeadline(id, milliseconds: next > now ? Int(next - now) : 0)
    }

    mutating func streamDeadlineReached(_ id: ConnectionID) {
        let slot = exchanges[Int(id.index)].stream
        let now = nowMilliseconds
        if now >= streams[slot].endsMilliseconds { return endStream(id, streams[slot].endReason) }
        if now >= streams[slot].sentMilliseconds + UInt64(live.configuration.heartbeatMilliseconds) {
            sendHeartbeat(id, slot)
        }
        if streams[slot].state != .held { setStreamDeadline(id, slot) }
    }

    private mutating func sendHeartbeat(_ id: ConnectionID, _ slot: UInt32) {
        let waiterID = exchanges[Int(id.index)].waiter
        let waiter = waiters[waiterID]
        let form = ReadForm(packed: waiter.form)
        let mark = replies.beginPiece(form)
        replies.streamHeartbeat(form.kind)
        // A filter that lets little through would leave the client with a position that is soon lost.
        if waiters.hasFilter(waiters.group(of: waiterID)), waiter.position > waiter.next {
            replies.streamPosition(cursor(waiter.position), form.kind)
            waiters[waiterID].next = waiter.position
        }
        replies.endPiece(mark, form)
        streams[slot].sentMilliseconds = nowMilliseconds
        send(id)
        if loop.hasPendingOutput(id) {
            if streams[slot].state == .behind { return }
            hold(id, slot, waiterID)
        }
    }

    // MARK: Ending

    /// Ends streams whose tokens the operator took back or changed, and sends parked polls home to ask anew, once files were read again.
    mutating func endRevoked() {
        guard let access = live.configuration.access, access.generation != tokenGeneration else { return }
        tokenGeneration = access.generation
        for index in 0..<exchanges.count {
            guard let id = loop.connection(at: index) else { continue }
            switch exchanges[index].phase {
            case .parked: answerEmpty(id)
            case .streaming: renew(id, access)
            case .head, .body, .blocked, .committing, .ended: break
            }
        }
    }

    private mutating func renew(_ id: ConnectionID, _ access: Authenticator) {
        let slot = exchanges[Int(id.index)].stream
        // An operator's, at an address of their own.
        guard slot != Exchange.none, let principal = streams[slot].principal else { return }
        // Where its token allows something else now, its client is to ask anew.
        guard let renewed = access.renewed(principal, nowSeconds: nowSeconds), renewed.grants == principal.grants
        else { return endStream(id, .revoked) }
        streams[slot].principal = renewed
    }

    /// Ends a stream on purpose, with its cursor.
    mutating func endStream(_ id: ConnectionID, _ reason: StreamEnd) {
        let waiter = waiters[exchanges[Int(id.index)].waiter]
        let form = ReadForm(packed: waiter.form)
        let mark = replies.beginPiece(form)
        replies.streamEnd(reason.name, cursor(waiter.next), form.kind)
        replies.endPiece(mark, form)
        replies.endStream(form)
        closesConnection = true
        dropStream(id, reason)
        send(id)
    }

    /// Gives back what a stream holds, and counts why it ended.
    mutating func dropStream(_ id: ConnectionID, _ reason: StreamEnd) {
        let index = Int(id.index)
        let slot = exchanges[index].stream
        guard slot != Exchange.none else { return }
        unpark(id)
        streams.close(slot)
        exchanges[index].stream = Exchange.none
        metrics.streams.add(-1)
        metrics.streamCloses[reason].add(1)
        shared.streams.leave()
    }

    /// Draining: each stream ends at a moment of its own, so that not all clients come back at once.
    mutating func drainStream(_ id: ConnectionID) {
        let slot = exchanges[Int(id.index)].stream
        // Where the sockets outlive us, whoever comes back waits in their queue, and the end of all is what it waits for.
        let window =
            shared.isSucceeded
            ? live.configuration.drainIdleMilliseconds : live.configuration.drainTimeoutMilliseconds * 3 / 4
        streams[slot].endsMilliseconds = nowMilliseconds + .random(in: 0...UInt64(window))
        streams[slot].endReason = .drain
        if streams[slot].state != .held { setStreamDeadline(id, slot) }
    }
}
