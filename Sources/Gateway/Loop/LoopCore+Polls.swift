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
        vacate(Int(id.index))
        exchanges[Int(id.index)].waiter = WaiterTable.none
        if exchanges[Int(id.index)].stream == Exchange.none { metrics.waiters.add(-1) }
    }

    /// The wait is over: an empty list, and the position the client named.
    mutating func answerEmpty(_ id: ConnectionID) {
        let waiter = exchanges[Int(id.index)].waiter
        Self.emptyPoll(&replies, waiters, waiter, log.epoch, closes: isDraining)
        answered(id, 200, closes: isDraining || ReadForm(packed: waiters[waiter].form).fate == .closes)
    }

    private static func emptyPoll(
        _ replies: inout Replies, _ waiters: borrowing WaiterTable, _ waiter: WaiterTable.ID, _ epoch: Epoch,
        closes: Bool
    ) {
        let subscription = waiters.subscription(of: waiters.group(of: waiter))
        replies.emptyPoll(waiters[waiter], subscription.filter, epoch: epoch, closes: closes)
    }

    /// Sends what is gathered as the answer of a parked poll, and goes on with what the client sent ahead.
    mutating func answered(_ id: ConnectionID, _ status: Int, closes: Bool) {
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
