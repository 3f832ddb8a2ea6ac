import Glibc
import Testing

@testable import EventLoop

@Suite struct WakeTests {
    @Test func manyWakesWhileALoopIsBusyMakeOneTurn() throws {
        let turns = Figure()
        try withLoops(orders: .init(tick: { _ in turns.increment() })) { served in
            #expect(served.probe.passTurn())
            var before = 0
            var signals = 0
            served.probe.whileLoopIsBusy {
                before = turns.value
                signals = served.loop.statistics.wakeupsTotal
                for _ in 0..<1000 { served.loop.wake() }
            }
            // The turn under way, and one for all wakes; the loop's own second may add another.
            #expect(eventually { turns.value >= before + 2 })
            usleep(20_000)
            #expect(turns.value <= before + 3)
            #expect(served.loop.statistics.wakeupsTotal == signals)
        }
    }

    @Test func aSleepingLoopIsSignalledOnce() throws {
        try withLoops { served in
            let statistics = served.loop.statistics
            for _ in 0..<50 {
                #expect(served.probe.passTurn())
                let turns = statistics.turnsTotal
                let signals = statistics.wakeupsTotal
                for _ in 0..<1000 { served.loop.wake() }
                #expect(served.probe.passTurn())
                #expect(statistics.wakeupsTotal - signals <= statistics.turnsTotal - turns)
            }
            #expect(statistics.wakeupsTotal > 0)
        }
    }

    /// What a thread did before it woke the loop is seen in the turn that follows, each of thousands of times, whether
    /// the loop is asleep, falling asleep or awake. A lost wake would show as a wait for the loop's next second.
    @Test func noWakeIsLost() throws {
        let posted = Figure()
        let seen = Figure()
        try withLoops(orders: .init(tick: { _ in seen.value = posted.value })) { served in
            var slowest = 0
            for round in 1...5000 {
                posted.value = round
                let began = served.loop.exactNanoseconds
                served.loop.wake()
                while seen.value != round { sched_yield() }
                slowest = max(slowest, Int(served.loop.exactNanoseconds - began))
            }
            #expect(slowest < 700_000_000)
        }
    }

    @Test func wakesOfSeveralThreadsAreAllHeard() throws {
        let posted = Figure()
        let seen = Figure()
        try withLoops(orders: .init(tick: { _ in seen.value = posted.value })) { served in
            let loop = served.loop
            let threads = (0..<4).map { _ in
                LoopThread.start {
                    for _ in 0..<5000 {
                        posted.increment()
                        loop.wake()
                    }
                }
            }
            for thread in threads { LoopThread.join(thread) }
            #expect(eventually { seen.value == 20_000 })
        }
    }

    @Test func workThatWasPutOffGetsAnotherTurnAtOnce() throws {
        let left = Figure()
        let ended = Figure()
        let orders = ProbeHandler.Orders(tick: { loop in
            guard left.value > 0 else { return }
            left.value -= 1
            if left.value == 0 { ended.value = Int(loop.exactNanoseconds) } else { loop.requestTurn() }
        })
        try withLoops(orders: orders) { served in
            let began = Int(served.loop.exactNanoseconds)
            served.probe.perform { _ in left.value = 100 }
            #expect(eventually { ended.value > 0 })
            #expect(ended.value - began < 5_000_000_000)
            #expect(served.loop.statistics.wakeupsTotal <= 1)
        }
    }
}
