import CAllocationCount
import Testing

@testable import EventLoop

@Suite(.enabled(if: postern_counts_allocations(), "a sanitizer brings a heap of its own"))
struct SteadyStateTests {
    /// Echoes, connections that come and go, deadlines set and moved, pauses: once each has been done, doing it again takes
    /// nothing from the heap. Nor does output that waits for its peer, where coroutines are optimized: the integration tests
    /// count that.
    @Test func aLoopAllocatesNothing() throws {
        let allocations = Figure()
        let group = try EventLoopGroup(configuration: EventLoopConfiguration())
        group.start { QuietEcho(loop: $0, allocations: allocations) }
        defer {
            group.stop()
            group.join()
        }
        let kept = try Client(port: group.boundPort)
        let large = pattern(128 << 10)
        func work(rounds: Int) throws {
            for _ in 0..<rounds {
                let passing = try Client(port: group.boundPort)
                for client in [kept, passing] {
                    try client.send("0123456789")
                    #expect(try client.receiveText(10) == "0123456789")
                }
            }
            try kept.send(large)
            #expect(try isSame(kept.receive(exactly: large.count), large))
        }
        try work(rounds: 100)
        let before = allocations.value
        #expect(before > 0)
        try work(rounds: 500)
        #expect(allocations.value == before)
        #expect(group.loops[0].statistics.acceptedTotal == 601)
    }
}

/// Echoes with a deadline on each connection, and keeps no notes.
private final class QuietEcho: ConnectionHandler {
    private let loop: EventLoop
    private let allocations: Figure

    init(loop: EventLoop, allocations: Figure) {
        self.loop = loop
        self.allocations = allocations
    }

    func opened(_ id: ConnectionID) { loop.setDeadline(id, milliseconds: 10_000) }
    func received(_ id: ConnectionID, _ bytes: Span<UInt8>) {
        loop.send(id, bytes)
        loop.pauseReading(id)
        loop.resumeReading(id)
        loop.setDeadline(id, milliseconds: 5000)
        allocations.value = Int(postern_thread_allocations())
    }
    func peerFinishedSending(_ id: ConnectionID) { loop.closeAfterFlush(id) }
    func deadlineReached(_ id: ConnectionID) {}
    func closed(_ id: ConnectionID, _ reason: CloseReason) {}
    func tick() {}
    func everySecond() {}
    func drainBegan() {}
}
