import Synchronization

/// What one loop has done: written by its thread, read by any.
public final class LoopStatistics: Sendable {
    let open = LoopFigure()
    let accepted = LoopFigure()
    let refused = LoopFigure()
    let acceptErrors = LoopFigure()
    let bytesRead = LoopFigure()
    let bytesWritten = LoopFigure()
    let receives = LoopFigure()
    let sends = LoopFigure()
    let waits = LoopFigure()
    let turns = LoopFigure()
    let wakeups = LoopFigure()
    let pendingBytes = LoopFigure()
    let handshakes = LoopFigure()
    let resumedHandshakes = LoopFigure()
    let failedHandshakes = LoopFigure()
    private let closedByReason = (LoopFigure(), LoopFigure(), LoopFigure(), LoopFigure(), LoopFigure())

    /// Connections open now.
    public var openConnections: Int { open.value }
    public var acceptedTotal: Int { accepted.value }
    /// Accepted and closed at once: there were as many as may be.
    public var refusedTotal: Int { refused.value }
    /// Times a connection could not be accepted, for want of descriptors mostly.
    public var acceptErrorsTotal: Int { acceptErrors.value }
    public var bytesReadTotal: Int { bytesRead.value }
    public var bytesWrittenTotal: Int { bytesWritten.value }
    /// System calls.
    public var receivesTotal: Int { receives.value }
    public var sendsTotal: Int { sends.value }
    public var waitsTotal: Int { waits.value }
    /// Times the handler's `tick` was called.
    public var turnsTotal: Int { turns.value }
    /// Times another thread woke the loop from its sleep.
    public var wakeupsTotal: Int { wakeups.value }
    /// Bytes held for peers that do not read.
    public var pendingOutputBytes: Int { pendingBytes.value }

    /// TLS handshakes that were done; how many of them took up an earlier session; and how many failed.
    public var handshakesTotal: Int { handshakes.value }
    public var resumedHandshakesTotal: Int { resumedHandshakes.value }
    public var failedHandshakesTotal: Int { failedHandshakes.value }

    public func closedTotal(_ reason: CloseReason) -> Int { closed(reason).value }

    func closed(_ reason: CloseReason) -> LoopFigure {
        switch reason {
        case .finished: closedByReason.0
        case .peerClosed: closedByReason.1
        case .failed: closedByReason.2
        case .slowReader: closedByReason.3
        case .loopEnded: closedByReason.4
        }
    }
}

/// A number with one writer: adding is a plain load and store.
final class LoopFigure: Sendable {
    private let atomic = Atomic<Int>(0)

    var value: Int { atomic.load(ordering: .relaxed) }
    func add(_ amount: Int) { atomic.store(atomic.load(ordering: .relaxed) &+ amount, ordering: .relaxed) }
}
