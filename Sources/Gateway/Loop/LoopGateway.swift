import Arenas
import EventLoop
import PubSub

/// The gateway's part of one event loop: it hands the loop's events to the loop's state.
final class LoopGateway: ConnectionHandler {
    private var core: LoopCore

    init(loop: EventLoop, shared: GatewayShared, metrics: LoopMetrics) {
        core = LoopCore(loop: loop, shared: shared, metrics: metrics)
    }

    deinit { core.end() }

    func opened(_ id: ConnectionID) { core.opened(id) }
    func preface(_ id: ConnectionID, _ bytes: Span<UInt8>) -> Int? { core.preface(id, bytes) }
    func received(_ id: ConnectionID, _ bytes: Span<UInt8>) { core.received(id, bytes) }
    func peerFinishedSending(_ id: ConnectionID) { core.peerFinishedSending(id) }
    func deadlineReached(_ id: ConnectionID) { core.deadlineReached(id) }
    func outputDrained(_ id: ConnectionID) { core.outputDrained(id) }
    func closed(_ id: ConnectionID, _ reason: CloseReason) { core.closed(id, reason) }
    func tick() {
        core.servePostponed()
        core.deliverDue()
        core.submit()
        core.releaseHeld()
        core.deliver()
        // What was sent ahead may have been served just now.
        core.submit()
    }
    func everySecond() { core.everySecond() }
    func drainBegan() { core.drainBegan() }
    func reloadRequested() { core.shared.onReload() }
}
