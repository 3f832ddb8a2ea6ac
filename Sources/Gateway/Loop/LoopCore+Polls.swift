import Arenas
import EventLoop
import HTTP
import PubSub

/// Parked polls: how they begin, are served, and end.
extension LoopCore {
    /// Parks a poll that found nothing. It keeps a waiter and nothing else.
    mutating func park(
        _ id: ConnectionID, _ outcome: ReadOutcome, _ text: Span<UInt8>, _ limit: Int, _ form: PollForm
    ) throws(APIProblem) {
        let waiter = Waiter(
            token: id.packed, position: outcome.scannedThrough, next: outcome.next, limit: UInt16(limit),
            form: form.packed)
        if let topic = outcome.watchedTopic {
            exchanges[Int(id.index)].waiter = waiters.park(waiter, on: topic)
        } else {
            guard let parked = waiters.park(waiter, onPattern: text) else {
                throw .overloaded("too many different patterns are waited for")
            }
            exchanges[Int(id.index)].waiter = parked
        }
        exchanges[Int(id.index)].phase = .parked
        metrics.waiters.add(1)
        loop.setDeadline(id, milliseconds: form.waitMilliseconds)
    }

    /// Takes a connection's waiter out, where it has one.
    mutating func unpark(_ id: ConnectionID) {
        let waiter = exchanges[Int(id.index)].waiter
        guard waiter != WaiterTable.none else { return }
        _ = waiters.remove(waiter)
        exchanges[Int(id.index)].waiter = WaiterTable.none
        metrics.waiters.add(-1)
    }

    /// The wait is over: an empty list, and the position the client named.
    mutating func answerEmpty(_ id: ConnectionID) {
        let waiter = waiters[exchanges[Int(id.index)].waiter]
        replies.emptyPoll(waiter, epoch: log.epoch, closes: isDraining)
        let closes = isDraining || PollForm(packed: waiter.form).fate == .closes
        answered(id, 200, closes: closes)
    }

    /// Sends what is gathered as the answer of a parked poll, and goes on with what the client sent ahead.
    private mutating func answered(_ id: ConnectionID, _ status: Int, closes: Bool) {
        unpark(id)
        exchanges[Int(id.index)].phase = .head
        metrics.observe(
            .readMessages, .get, status,
            nanoseconds: loop.nowNanoseconds &- exchanges[Int(id.index)].startedNanoseconds)
        closesConnection = closes
        loop.setDeadline(id, milliseconds: shared.configuration.idleTimeoutMilliseconds)
        send(id)
        guard !closes, exchanges[Int(id.index)].phase == .head else { return }
        guard exchanges[Int(id.index)].stash != Exchange.none else { return }
        loop.resumeReading(id)
        process(id, Span())
        send(id)
    }

    // MARK: Deliveries

    /// Serves the polls whose topics got messages: once a turn, whatever came in it.
    mutating func deliver() {
        guard waiters.count > 0 else { return }
        takeNews()
        var budget = Limits.deliveriesPerTick
        while budget > 0, let group = waiters.popNews() { serve(group, &budget) }
        if waiters.hasNews { loop.requestTurn() }
    }

    private mutating func takeNews() {
        let reader = reader
        Self.takeNews(reader, &waiters)
    }

    private static func takeNews(_ reader: any LogReader, _ waiters: inout WaiterTable) {
        reader.takeNews { topic, name in waiters.noteNews(topic, name: name) }
    }

    /// Serves one group. Waiters that stand at the same position get the same bytes, written once.
    private mutating func serve(_ group: UInt32, _ budget: inout Int) {
        var rendered: (position: UInt64, limit: UInt16, form: UInt32)?
        var count = 0
        var id = waiters.first(of: group)
        while id != WaiterTable.none {
            guard budget > 0 else { return waiters.pushNews(group) }
            budget -= 1
            let next = waiters.next(after: id)
            let waiter = waiters[id]
            if rendered == nil || rendered! != (waiter.position, waiter.limit, waiter.form) {
                rendered = (waiter.position, waiter.limit, waiter.form)
                count = render(group, id, waiter)
            }
            if count > 0 { deliver(to: waiter, count) }
            id = next
        }
        delivery.removeAll()
    }

    /// Writes the reply that a waiter gets.
    /// - Returns: how many messages it has; 0 where there is nothing for the waiter yet.
    private mutating func render(_ group: UInt32, _ id: WaiterTable.ID, _ waiter: Waiter) -> Int {
        delivery.removeAll()
        let form = PollForm(packed: waiter.form)
        let request = ReadRequest(
            start: .after(waiter.position), limit: Int(waiter.limit), maximumBytes: Limits.pollBytes, skipsGaps: true,
            nowMicroseconds: loop.wallClockMicroseconds)
        let outcome = Self.poll(reader, &delivery, group, waiters, request, form, log.epoch)
        guard let outcome else { return 0 }
        if outcome.count == 0 { waiters[id].position = outcome.scannedThrough }
        return outcome.count
    }

    private static func poll(
        _ reader: any LogReader, _ delivery: inout Replies, _ group: UInt32, _ waiters: borrowing WaiterTable,
        _ request: ReadRequest, _ form: PollForm, _ epoch: Epoch
    ) -> ReadOutcome? {
        switch waiters.selection(of: group) {
        case .topic(let topic):
            try? delivery.poll(reader, .topic(topic), request, form, epoch: epoch, isHead: false)
        case .pattern(let pattern):
            try? delivery.poll(
                reader, .pattern(waiters.text(of: pattern)), request, form, epoch: epoch, isHead: false)
        }
    }

    private mutating func deliver(to waiter: Waiter, _ count: Int) {
        let id = ConnectionID(packed: waiter.token)
        loop.send(id, delivery.output.span)
        metrics.delivered.add(count)
        answered(id, 200, closes: PollForm(packed: waiter.form).fate == .closes)
    }
}
