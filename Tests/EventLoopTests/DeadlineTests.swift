import Testing

@testable import EventLoop

@Suite struct DeadlineTests {
    @Test func aDeadlineIsReachedOnceAndNeverEarly() throws {
        let began = Figure()
        let ended = Figure()
        var orders = ProbeHandler.Orders()
        orders.opened = { loop, id in
            loop.setDeadline(id, milliseconds: 40)
            began.value = Int(loop.nowNanoseconds)
        }
        orders.deadline = { loop, _ in ended.value = Int(loop.exactNanoseconds) }
        try withLoops(orders: orders) { served in
            let client = try served.client()
            #expect(eventually { ended.value > 0 })
            #expect(ended.value - began.value >= 40_000_000)
            try client.send("on")
            #expect(try client.receiveText(2) == "on")
            #expect(served.probe.events == [.opened, .deadline, .received(2)])
        }
    }

    /// The loop sleeps until the deadline, not until its next second.
    @Test func aSleepingLoopWakesForItsDeadlines() throws {
        let count = Figure()
        let began = Figure()
        let ended = Figure()
        var orders = ProbeHandler.Orders()
        orders.opened = { loop, id in
            began.value = Int(loop.nowNanoseconds)
            loop.setDeadline(id, milliseconds: 20)
        }
        orders.deadline = { loop, id in
            count.increment()
            ended.value = Int(loop.nowNanoseconds)
            if count.value < 20 { loop.setDeadline(id, milliseconds: 20) }
        }
        try withLoops(orders: orders) { served in
            let client = try served.client()
            #expect(eventually { count.value == 20 })
            // Twenty waits until the next second would be ten seconds or more.
            #expect(ended.value - began.value >= 400_000_000 && ended.value - began.value < 5_000_000_000)
            client.close()
        }
    }

    @Test func aDeadlineThatIsClearedOrMovedIsNotReached() throws {
        let reached = Figure()
        var orders = ProbeHandler.Orders()
        orders.opened = { loop, id in
            loop.setDeadline(id, milliseconds: 10)
            switch id.index {
            case 0: loop.clearDeadline(id)
            case 1: loop.setDeadline(id, milliseconds: 60_000)
            default: loop.setDeadline(id, milliseconds: 50)
            }
        }
        orders.deadline = { _, id in reached.value += 1 << (8 * Int(id.index)) }
        try withLoops(orders: orders) { served in
            let clients = try (0..<3).map { _ in try served.client() }
            #expect(eventually { reached.value == 1 << 16 })
            for client in clients { client.close() }
        }
    }

    @Test func aConnectionThatEndsTakesItsDeadlineAlong() throws {
        var orders = ProbeHandler.Orders()
        orders.opened = { loop, id in
            if id.generation == 1 { loop.setDeadline(id, milliseconds: 100) }
        }
        try withLoops(orders: orders) { served in
            let first = try served.client()
            first.close()
            #expect(eventually { served.probe.opened.count == 1 && served.total(\.openConnections) == 0 })
            // The next one stands in the same place, and outlives the deadline that was set there.
            let second = try served.client()
            let passed = Flag()
            #expect(eventually { served.probe.opened.count == 2 })
            served.probe.perform { loop in
                let until = loop.nowNanoseconds + 150_000_000
                while loop.exactNanoseconds < until {}
                passed.raise()
            }
            #expect(eventually { passed.isRaised } && served.probe.passTurn())
            #expect(!served.probe.events.contains(.deadline))
            second.close()
        }
    }
}
