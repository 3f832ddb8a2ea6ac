import Arenas
import EventLoop
import HTTP
import PubSub

/// From the log to those who wait: once a turn, whatever came in it.
///
/// What a group's waiters get is written once, in `delivery`, and the same bytes are sent to each that stands at the
/// same position and was asked in the same form.
extension LoopCore {
    mutating func deliver() {
        guard waiters.count > 0 else { return }
        takeNews()
        var budget = DeliveryBudget()
        while !budget.isSpent, let group = waiters.popNews() { serve(group, &budget) }
        readOn()
        if waiters.hasNews || streams.hasBehind { loop.requestTurn() }
    }

    private mutating func takeNews() {
        let reader = reader
        Self.takeNews(reader, &waiters)
    }

    private static func takeNews(_ reader: any LogReader, _ waiters: inout WaiterTable) {
        reader.takeNews { topic, name in waiters.noteNews(topic, name: name) }
    }

    /// Serves one group's waiters, as far as the budget goes; the next round begins with the one it did not reach.
    private mutating func serve(_ group: UInt32, _ budget: inout DeliveryBudget) {
        var (id, isRest) = waiters.beginRound(group)
        var rendered: (position: UInt64, limit: UInt16, form: UInt32)?
        var outcome = ReadOutcome()
        var isAtEnd = true
        while id != WaiterTable.none {
            guard !budget.isSpent else { return waiters.pushNews(group, resumingAt: id) }
            let next = waiters.next(after: id)
            let waiter = waiters[id]
            if !waiter.isHeld {
                if rendered == nil || rendered! != (waiter.position, waiter.limit, waiter.form) {
                    rendered = (waiter.position, waiter.limit, waiter.form)
                    outcome = render(group, waiter)
                    isAtEnd = isAtEnd && outcome.isAtEnd
                }
                budget.spend(delivery.output.count)
                deliver(id, waiter, outcome)
            }
            id = next
        }
        delivery.removeAll()
        // Those before the rest may have got news since; and a stream has all news only once it has read to the end.
        if isRest || !isAtEnd { waiters.pushNews(group) }
    }

    private mutating func deliver(_ waiterID: WaiterTable.ID, _ waiter: Waiter, _ outcome: ReadOutcome) {
        let form = ReadForm(packed: waiter.form)
        let id = ConnectionID(packed: waiter.token)
        if form.kind == .poll {
            guard outcome.count > 0 else { return waiters[waiterID].position = outcome.scannedThrough }
            sendDelivery(id)
            noteDelivery(outcome, .poll)
            answered(id, 200, closes: form.fate == .closes, replyBytes: delivery.output.count)
        } else {
            deliverToStream(id, waiterID, outcome, form.kind)
        }
    }

    /// Writes what a waiter gets next; nothing where there is nothing for it.
    mutating func render(_ group: UInt32, _ waiter: Waiter) -> ReadOutcome {
        delivery.removeAll()
        let form = ReadForm(packed: waiter.form)
        delivery.origin = form.origin
        let isPoll = form.kind == .poll
        let request = ReadRequest(
            start: .after(waiter.position), limit: Int(waiter.limit),
            maximumBytes: isPoll ? Limits.pollBytes : Limits.streamWriteBytes, skipsGaps: true,
            nowMicroseconds: loop.wallClockMicroseconds)
        let topic = waiters.topic(of: group)
        do throws(ReadError) {
            return try Self.render(&delivery, reader, waiters, group, topic, request, form, log.epoch)
        } catch {
            // A read that skips gaps and watches nothing is never refused.
            preconditionFailure("a read was refused: \(error)")
        }
    }

    private static func render(
        _ delivery: inout Replies, _ reader: any LogReader, _ waiters: borrowing WaiterTable, _ group: UInt32,
        _ topic: TopicID?, _ request: ReadRequest, _ form: ReadForm, _ epoch: Epoch
    ) throws(ReadError) -> ReadOutcome {
        let subscription = waiters.subscription(of: group)
        let target: ReadTarget = if let topic { .topic(topic) } else { .pattern(subscription.topics) }
        guard form.kind == .poll else {
            return try delivery.stream(reader, target, subscription.filter, request, form, epoch: epoch)
        }
        let outcome = try delivery.poll(
            reader, target, subscription.filter, request, form, epoch: epoch, isHead: false)
        if outcome.count == 0 { delivery.removeAll() }
        return outcome
    }

    func noteDelivery(_ outcome: ReadOutcome, _ kind: ReadForm.Kind) {
        guard outcome.count > 0 else { return }
        metrics.delivered[kind].add(outcome.count)
        let age = max(0, loop.wallClockMicroseconds - outcome.firstMicroseconds)
        metrics.deliveryDelay.observe(nanoseconds: UInt64(age) * 1000)
    }
}

/// What one turn may deliver before sockets are looked at again.
struct DeliveryBudget {
    private var clients = Limits.deliveriesPerTick
    private var bytes = Limits.deliveredBytesPerTick

    var isSpent: Bool { clients <= 0 || bytes <= 0 }

    /// Counts a delivery to one client; an empty one is none.
    mutating func spend(_ byteCount: Int) {
        guard byteCount > 0 else { return }
        clients -= 1
        bytes -= byteCount
    }
}

extension Replies {
    /// Reads, and writes what a stream gets as one piece; nothing where there is nothing new.
    mutating func stream(
        _ reader: any LogReader, _ target: borrowing ReadTarget, _ filter: borrowing MessageFilter,
        _ request: ReadRequest, _ form: ReadForm, epoch: Epoch
    ) throws(ReadError) -> ReadOutcome {
        let mark = beginPiece(form)
        let messages = output.count
        var lost: UInt64?
        let outcome = try reader.read(target, filter, request, begin: { lost = $0.lostThrough }) { message in
            if let through = lost { gap(request, through, form.kind, epoch) }
            lost = nil
            streamMessage(message, form.kind)
        }
        // Lost, and nothing came after it.
        if let through = lost { gap(request, through, form.kind, epoch) }
        assert(outcome.count == 0 || output.count > messages)
        endPiece(mark, form)
        return outcome
    }

    private mutating func gap(_ request: ReadRequest, _ through: UInt64, _ kind: ReadForm.Kind, _ epoch: Epoch) {
        guard case .after(let position) = request.start else { return }
        streamGap(
            after: Cursor(epoch: epoch, sequence: position), earliest: Cursor(epoch: epoch, sequence: through), kind)
    }
}
