import Glibc
import Testing

@testable import EventLoop

@Suite struct DrainTests {
    private func group(_ timeoutMilliseconds: UInt64, loops: Int = 1) throws -> EventLoopGroup {
        var configuration = EventLoopConfiguration()
        configuration.loops = loops
        configuration.drainTimeoutMilliseconds = timeoutMilliseconds
        return try EventLoopGroup(configuration: configuration)
    }

    private func start(_ group: EventLoopGroup, orders: ProbeHandler.Orders = .init()) -> [ProbeHandler] {
        var probes: [ProbeHandler] = []
        group.start { loop in
            let probe = ProbeHandler(loop: loop, orders: orders)
            probes.append(probe)
            return probe
        }
        return probes
    }

    @Test func idleLoopsEndAtOnce() throws {
        let group = try group(60_000, loops: 3)
        let probes = start(group)
        #expect(!group.isDraining)
        group.drain()
        group.join()
        #expect(group.isDraining)
        for probe in probes { #expect(probe.events == [.drainBegan]) }
    }

    @Test func connectionsAreServedToTheirEndWhileNewOnesFindNobody() throws {
        let group = try group(60_000, loops: 2)
        let probes = start(group)
        let client = try Client(port: group.boundPort)
        try client.send("a")
        #expect(try client.receiveText(1) == "a")
        group.drain()
        #expect(eventually { probes.allSatisfy { $0.events.contains(.drainBegan) } })
        #expect(throws: Client.Failure(number: ECONNREFUSED)) { try Client(port: group.boundPort) }
        try client.send("b")
        #expect(try client.receiveText(1) == "b")
        client.close()
        group.join()
    }

    /// Closing the port would reset them.
    @Test func whoWaitsToBeTakenWhenDrainingBeginsIsServed() throws {
        let group = try group(60_000)
        let probes = start(group)
        var clients: [Client] = []
        try probes[0].whileLoopIsBusy {
            clients = try (0..<100).map { _ in try Client(port: group.boundPort) }
            group.drain()
        }
        defer {
            group.stop()
            group.join()
        }
        for client in clients {
            try client.send("a")
            #expect(try client.receiveText(1) == "a")
        }
    }

    /// It comes when the loop has looked at its sockets, and the connection's time was over before that.
    @Test func whatArrivesInTheTurnOfADeadlineIsServed() throws {
        let isHeld = [Flag(), Flag()]
        let gates = [Flag(), Flag()]
        let holds = Figure()
        var orders = ProbeHandler.Orders()
        orders.received = { loop, id, bytes in
            if bytes.count == 4 {
                isHeld[holds.value].raise()
                _ = eventually { gates[holds.value].isRaised }
                holds.increment()
            }
            loop.send(id, bytes)
        }
        orders.drainBegan = { loop in
            if let id = loop.connection(at: 0) { loop.setDeadline(id, milliseconds: 300) }
        }
        orders.deadline = { loop, id in loop.closeAfterFlush(id) }
        let group = try group(60_000)
        let probes = start(group, orders: orders)
        defer {
            group.stop()
            group.join()
        }
        let late = try Client(port: group.boundPort)
        try late.send("a")
        #expect(try late.receiveText(1) == "a")
        let holder = try Client(port: group.boundPort)
        try holder.send("b")
        #expect(try holder.receiveText(1) == "b")
        group.drain()
        #expect(eventually { probes[0].events.contains(.drainBegan) })
        try holder.send("hold")
        #expect(eventually { isHeld[0].isRaised })
        usleep(400_000)
        try holder.send("hold")
        gates[0].raise()
        #expect(eventually { isHeld[1].isRaised })
        try late.send("late!")
        gates[1].raise()
        #expect(String(decoding: try late.receiveToEnd(), as: UTF8.self) == "late!")
        withExtendedLifetime(holder) {}
    }

    @Test func aHandlerMayEndItsConnectionsWhenDrainingBegins() throws {
        var orders = ProbeHandler.Orders()
        orders.drainBegan = { loop in
            guard let id = loop.connection(at: 0) else { return }
            loop.send(id, "bye".utf8Span.span)
            loop.closeAfterFlush(id)
        }
        let group = try group(60_000)
        _ = start(group, orders: orders)
        let client = try Client(port: group.boundPort)
        try client.send("a")
        #expect(try client.receiveText(1) == "a")
        group.drain()
        #expect(String(decoding: try client.receiveToEnd(), as: UTF8.self) == "bye")
        client.close()
        group.join()
    }

    @Test func connectionsThatStayAreEndedWhenTheTimeIsOver() throws {
        let group = try group(50)
        let probes = start(group)
        let client = try Client(port: group.boundPort)
        try client.send("a")
        #expect(try client.receiveText(1) == "a")
        let began = group.loops[0].exactNanoseconds
        group.drain()
        group.join()
        let took = group.loops[0].exactNanoseconds - began
        #expect(took >= 50_000_000 && took < 900_000_000)
        #expect(probes[0].events == [.opened, .received(1), .drainBegan, .closed(.loopEnded)])
        #expect(try client.receiveToEnd().isEmpty)
        #expect(group.loops[0].statistics.openConnections == 0)
    }

    @Test func stoppingEndsALoopThatDrains() throws {
        let group = try group(60_000)
        let probes = start(group)
        let client = try Client(port: group.boundPort)
        #expect(eventually { probes[0].opened.count == 1 })
        group.drain()
        group.stop()
        group.join()
        #expect(probes[0].events.last == .closed(.loopEnded))
        client.close()
    }

    @Test func outputThatWaitsForItsPeerIsWrittenBeforeALoopEnds() throws {
        let reply = pattern(8 << 20)
        var configuration = EventLoopConfiguration()
        configuration.maximumPendingBytes = 16 << 20
        configuration.drainTimeoutMilliseconds = 60_000
        let group = try EventLoopGroup(configuration: configuration)
        let probes = start(
            group,
            orders: .init(
                received: { loop, id, _ in loop.send(id, reply.span) },
                drainBegan: { loop in
                    if let id = loop.connection(at: 0) { loop.closeAfterFlush(id) }
                }))
        let client = try Client(port: group.boundPort, receiveBuffer: 8192)
        try client.send("?")
        #expect(eventually { group.loops[0].statistics.pendingOutputBytes > 0 })
        group.drain()
        #expect(eventually { probes[0].events.contains(.drainBegan) })
        #expect(try isSame(client.receiveToEnd(), reply))
        client.close()
        group.join()
    }

    @Test(arguments: [false, true])
    func stoppingThrowsAwayWhatWaitsForItsPeer(thoughEnding: Bool) throws {
        let reply = pattern(8 << 20)
        var configuration = EventLoopConfiguration()
        configuration.maximumPendingBytes = 16 << 20
        let group = try EventLoopGroup(configuration: configuration)
        let probes = start(
            group,
            orders: .init(received: { loop, id, _ in
                loop.send(id, reply.span)
                if thoughEnding { loop.closeAfterFlush(id) }
            }))
        let client = try Client(port: group.boundPort, receiveBuffer: 8192)
        try client.send("?")
        #expect(eventually { group.loops[0].statistics.pendingOutputBytes > 0 })
        group.stop()
        group.join()
        #expect(group.loops[0].statistics.pendingOutputBytes == 0)
        #expect(group.loops[0].statistics.openConnections == 0)
        #expect(group.loops[0].statistics.closedTotal(.loopEnded) == 1)
        #expect(probes[0].events.contains(.closed(.loopEnded)) == !thoughEnding)
    }
}
