import Arenas
import EventLoop
import HTTP
import PubSub

/// Parked polls: how they begin and end.
extension LoopCore {
    /// Parks a poll that found nothing. It keeps a waiter and nothing else.
    mutating func park(
        _ id: ConnectionID, _ outcome: ReadOutcome, _ subscription: borrowing Subscription, _ query: ReadQuery
    ) throws(APIProblem) {
        try occupy(id, .poll)
        let waiter = Waiter(
            token: id.packed, position: outcome.scannedThrough, next: outcome.next, limit: UInt16(query.limit),
            form: query.form.packed)
        do throws(APIProblem) {
            exchanges[Int(id.index)].waiter = try park(waiter, for: subscription, on: outcome.watchedTopic)
        } catch {
            vacate(Int(id.index))
            throw error
        }
        exchanges[Int(id.index)].phase = .parked
        keepName(Int(id.index))
        metrics.waiters.add(1)
        loop.setDeadline(id, milliseconds: min(query.form.waitMilliseconds, millisecondsOfToken))
    }

    /// How long the request's token is still good: a wait ends with it.
    private var millisecondsOfToken: Int {
        guard let expiry = principal?.expirySeconds else { return .max }
        // No wait is longer than an hour.
        return Int(min(max(0, expiry - nowSeconds), 3600)) * 1000
    }

    mutating func park(
        _ waiter: Waiter, for subscription: borrowing Subscription, on topic: TopicID?
    ) throws(APIProblem) -> WaiterTable.ID {
        if let parked = waiters.park(waiter, for: subscription, on: topic) { return parked }
        if let topic, !waiters.waits(for: topic) { reader.unwatch(topic) }
        throw .overloaded("too many different patterns and filters are waited for")
    }

    /// Takes a connection's waiter out, where it has one.
    mutating func unpark(_ id: ConnectionID) {
        let waiter = exchanges[Int(id.index)].waiter
        guard waiter != WaiterTable.none else { return }
        _ = waiters.remove(waiter)
        // It ended without an answer: its client left.
        var entry = exchanges[Int(id.index)].accessEntry
        exchanges[Int(id.index)].accessEntry = Exchange.none
        tellKept(
            &entry, 499, replyBytes: 0, nanoseconds: loop.nowNanoseconds &- exchanges[Int(id.index)].startedNanoseconds)
        dropName(Int(id.index))
        vacate(Int(id.index))
        exchanges[Int(id.index)].waiter = WaiterTable.none
        if exchanges[Int(id.index)].stream == Exchange.none { metrics.waiters.add(-1) }
    }

    /// The wait is over: an empty list, and the position the client named.
    mutating func answerEmpty(_ id: ConnectionID) {
        let waiter = exchanges[Int(id.index)].waiter
        restoreName(Int(id.index))
        Self.emptyPoll(&replies, waiters, waiter, log.epoch, closes: isDraining)
        answered(
            id, 200, closes: isDraining || ReadForm(packed: waiters[waiter].form).fate == .closes,
            replyBytes: replies.output.count)
    }

    // MARK: Names

    /// A UUID, or a name of ours.
    private static let usualNameBytes = 36

    /// Keeps the name of a request that is to be answered later.
    private mutating func keepName(_ index: Int) {
        guard replies.requestID.count > 0 else { return }
        let slot = parkedNames.take { OutputBuffer(capacity: Self.usualNameBytes) }
        parkedNames[slot].removeAll()
        parkedNames[slot].append(contentsOf: replies.requestID)
        exchanges[index].name = slot
    }

    /// Names the reply to come as the request was that it answers.
    private mutating func restoreName(_ index: Int) {
        replies.nameRequest(nil)
        let slot = exchanges[index].name
        guard slot != Exchange.none else { return }
        Self.restoreName(&replies, parkedNames, slot)
        dropName(index)
    }

    private static func restoreName(_ replies: inout Replies, _ names: borrowing SlotPool<OutputBuffer>, _ slot: UInt32)
    {
        names.withElement(at: slot) { name in replies.nameRequest(name.span) }
    }

    private mutating func dropName(_ index: Int) {
        let slot = exchanges[index].name
        guard slot != Exchange.none else { return }
        exchanges[index].name = Exchange.none
        parkedNames.give(slot)
    }

    /// Sends what was written for several polls as the answer of one.
    mutating func sendDelivery(_ id: ConnectionID) {
        guard exchanges[Int(id.index)].name != Exchange.none else { return loop.send(id, delivery.output.span) }
        restoreName(Int(id.index))
        Self.compose(&replies, delivery)
        loop.send(id, replies.output.span)
        replies.removeAll()
    }

    /// The name is this one's alone: it stands behind the status line, which is the same for all.
    private static func compose(_ replies: inout Replies, _ delivery: borrowing Replies) {
        let reply = delivery.output.span
        replies.output.append(contentsOf: reply.extracting(0..<statusLineBytes))
        replies.writeRequestID()
        replies.output.append(contentsOf: reply.extracting(statusLineBytes..<reply.count))
    }

    /// `HTTP/1.1 200 OK` and its line's end.
    private static let statusLineBytes = 17

    private static func emptyPoll(
        _ replies: inout Replies, _ waiters: borrowing WaiterTable, _ waiter: WaiterTable.ID, _ epoch: Epoch,
        closes: Bool
    ) {
        let subscription = waiters.subscription(of: waiters.group(of: waiter))
        replies.emptyPoll(waiters[waiter], subscription.filter, epoch: epoch, closes: closes)
    }

    /// Sends what is gathered as the answer of a parked poll, and goes on with what the client sent ahead.
    mutating func answered(_ id: ConnectionID, _ status: Int, closes: Bool, replyBytes: Int) {
        var entry = exchanges[Int(id.index)].accessEntry
        exchanges[Int(id.index)].accessEntry = Exchange.none
        tellKept(
            &entry, status, replyBytes: replyBytes,
            nanoseconds: loop.nowNanoseconds &- exchanges[Int(id.index)].startedNanoseconds)
        unpark(id)
        exchanges[Int(id.index)].phase = .head
        metrics.observe(
            .readMessages, .get, status,
            nanoseconds: loop.nowNanoseconds &- exchanges[Int(id.index)].startedNanoseconds)
        closesConnection = closes
        beginIdling(id)
        send(id)
        guard !closes, exchanges[Int(id.index)].phase == .head, exchanges[Int(id.index)].stash != Exchange.none
        else { return }
        loop.resumeReading(id)
        process(id, Span())
        send(id)
    }
}
