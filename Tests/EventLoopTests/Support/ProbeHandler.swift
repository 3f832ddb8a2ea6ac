import Testing

@testable import EventLoop

/// A handler that notes what its loop tells it, and does what the test asks; without orders it echoes, and closes when
/// the peer has finished.
final class ProbeHandler: ConnectionHandler {
    enum Event: Equatable {
        case opened, received(Int), peerFinished, deadline, outputDrained, closed(CloseReason), drainBegan, reload
    }

    struct Orders {
        var opened: (EventLoop, ConnectionID) -> Void = { _, _ in }
        var received: (EventLoop, ConnectionID, Span<UInt8>) -> Void = { loop, id, bytes in loop.send(id, bytes) }
        var peerFinished: (EventLoop, ConnectionID) -> Void = { loop, id in loop.closeAfterFlush(id) }
        var deadline: (EventLoop, ConnectionID) -> Void = { _, _ in }
        var outputDrained: (EventLoop, ConnectionID) -> Void = { _, _ in }
        var closed: (EventLoop, ConnectionID) -> Void = { _, _ in }
        var tick: (EventLoop) -> Void = { _ in }
        var drainBegan: (EventLoop) -> Void = { _ in }
    }

    typealias Errand = @Sendable (EventLoop) -> Void

    private let loop: EventLoop
    private let orders: Orders
    private let notes = Guarded<[Event]>([])
    private let names = Guarded<[ConnectionID]>([])
    private let errands = Guarded<[Errand]>([])

    init(loop: EventLoop, orders: Orders) {
        self.loop = loop
        self.orders = orders
    }

    // MARK: For the test, on any thread

    var events: [Event] { notes.withLock { $0 } }
    /// Names of all connections so far, in the order they were opened.
    var opened: [ConnectionID] { names.withLock { $0 } }

    /// Has `errand` done on the loop's thread.
    func perform(_ errand: @escaping Errand) {
        errands.withLock { $0.append(errand) }
        loop.wake()
    }

    /// Does `body` while the loop is kept from looking at its sockets.
    func whileLoopIsBusy(_ body: () throws -> Void) rethrows {
        let isBusy = Flag()
        let gate = Flag()
        defer { gate.raise() }
        perform { _ in
            isBusy.raise()
            _ = eventually { gate.isRaised }
        }
        #expect(eventually { isBusy.isRaised })
        try body()
    }

    /// Lets the loop finish a whole turn that begins after this call.
    func passTurn() -> Bool {
        // The first errand may be done in a turn that had begun already.
        for _ in 0..<2 {
            let flag = Flag()
            perform { _ in flag.raise() }
            guard eventually({ flag.isRaised }) else { return false }
        }
        return true
    }

    // MARK: ConnectionHandler

    func opened(_ id: ConnectionID) {
        names.withLock { $0.append(id) }
        note(.opened)
        orders.opened(loop, id)
    }
    func received(_ id: ConnectionID, _ bytes: Span<UInt8>) {
        note(.received(bytes.count))
        orders.received(loop, id, bytes)
    }
    func peerFinishedSending(_ id: ConnectionID) {
        note(.peerFinished)
        orders.peerFinished(loop, id)
    }
    func deadlineReached(_ id: ConnectionID) {
        note(.deadline)
        orders.deadline(loop, id)
    }
    func outputDrained(_ id: ConnectionID) {
        note(.outputDrained)
        orders.outputDrained(loop, id)
    }
    func closed(_ id: ConnectionID, _ reason: CloseReason) {
        note(.closed(reason))
        orders.closed(loop, id)
    }
    func tick() {
        for errand in errands.withLock({ take(&$0) }) { errand(loop) }
        orders.tick(loop)
    }
    func everySecond() {}
    func drainBegan() {
        note(.drainBegan)
        orders.drainBegan(loop)
    }
    func reloadRequested() { note(.reload) }

    private func take(_ errands: inout [Errand]) -> [Errand] {
        defer { errands.removeAll(keepingCapacity: true) }
        return errands
    }

    private func note(_ event: Event) { notes.withLock { $0.append(event) } }
}
