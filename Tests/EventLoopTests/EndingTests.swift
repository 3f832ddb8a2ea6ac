import Testing

@testable import EventLoop

/// How connections that we end come to their end.
@Suite struct EndingTests {
    private let refusing = ProbeHandler.Orders(received: { loop, id, _ in
        loop.send(id, "no".utf8Span.span)
        loop.closeAfterFlush(id)
    })

    @Test func aLastReplyIsNotResetAwayByBytesThatStillCome() throws {
        try withLoops({ $0.readBytes = 4096 }, orders: refusing) { served in
            let client = try served.client()
            // Far more than is read before the refusal.
            try client.send(pattern(4 << 20))
            #expect(String(decoding: try client.receiveToEnd(), as: UTF8.self) == "no")
            client.close()
            #expect(eventually { served.total(\.openConnections) == 0 })
            #expect(served.total { $0.closedTotal(.finished) } == 1)
            // What came behind was dropped.
            #expect(served.probe.events == [.opened, .received(4096)])
        }
    }

    @Test func aLastReplyIsNotResetAwayWhereReadingWasPaused() throws {
        let orders = ProbeHandler.Orders(received: { loop, id, _ in
            loop.pauseReading(id)
            loop.send(id, "no".utf8Span.span)
            loop.closeAfterFlush(id)
        })
        let configure = { (configuration: inout EventLoopConfiguration) in
            configuration.readBytes = 4096
            configuration.lingerMilliseconds = 60_000
        }
        try withLoops(configure, orders: orders) { served in
            let client = try served.client()
            try client.send(pattern(4 << 20))
            #expect(String(decoding: try client.receiveToEnd(), as: UTF8.self) == "no")
            client.close()
            // It is read again, and so its end is noticed long before lingering is over.
            #expect(eventually { served.total { $0.closedTotal(.finished) } == 1 })
        }
    }

    @Test func aPeerThatNeverClosesIsReadOnlySoLong() throws {
        try withLoops({ $0.lingerMilliseconds = 30 }, orders: refusing) { served in
            let client = try served.client()
            try client.send("x")
            #expect(String(decoding: try client.receiveToEnd(), as: UTF8.self) == "no")
            #expect(eventually { served.total { $0.closedTotal(.finished) } == 1 })
            #expect(eventually { served.total(\.openConnections) == 0 })
        }
    }

    @Test func nothingIsSentOnceAConnectionEnds() throws {
        let orders = ProbeHandler.Orders(received: { loop, id, bytes in
            loop.send(id, bytes)
            loop.closeAfterFlush(id)
            loop.send(id, bytes)
            loop.setDeadline(id, milliseconds: 0)
            loop.closeAfterFlush(id)
        })
        try withLoops(orders: orders) { served in
            let client = try served.client()
            try client.send("once")
            #expect(String(decoding: try client.receiveToEnd(), as: UTF8.self) == "once")
            client.close()
            #expect(eventually { served.total(\.openConnections) == 0 })
            #expect(served.probe.events == [.opened, .received(4)])
        }
    }

    @Test func aHandlerMayEndOtherConnectionsWhileItHearsOfAnEnd() throws {
        let orders = ProbeHandler.Orders(received: { loop, _, _ in
            var index = 0
            while let id = loop.connection(at: index) {
                loop.abort(id)
                index += 1
            }
        })
        try withLoops(orders: orders) { served in
            let clients = try (0..<5).map { _ in try served.client() }
            #expect(eventually { served.probe.opened.count == 5 })
            try clients[2].send("all")
            for client in clients { #expect(try client.receiveToEnd().isEmpty) }
            #expect(eventually { served.total(\.openConnections) == 0 })
            #expect(served.probe.events.filter { $0 == .closed(.finished) }.count == 5)
        }
    }

    /// The peer reads only when it has sent everything, and we read nothing: each would wait for the other.
    @Test func aPausedPeerThatStillSendsGetsItsLastReply() throws {
        let reply = pattern(8 << 20)
        let orders = ProbeHandler.Orders(received: { loop, id, _ in
            loop.pauseReading(id)
            loop.send(id, reply.span)
            loop.closeAfterFlush(id)
        })
        try withLoops({ $0.maximumPendingBytes = 16 << 20 }, orders: orders) { served in
            let client = try served.client(receiveBuffer: 8192)
            try client.send(pattern(16 << 20))
            #expect(try isSame(client.receiveToEnd(), reply))
            client.close()
            #expect(eventually { served.total { $0.closedTotal(.finished) } == 1 })
        }
    }

    @Test(arguments: [false, true])
    func aResetBehindOurEndIsNoticedAtOnce(whileFlushing: Bool) throws {
        let reply = pattern(whileFlushing ? 8 << 20 : 10)
        let orders = ProbeHandler.Orders(received: { loop, id, _ in
            loop.send(id, reply.span)
            loop.closeAfterFlush(id)
        })
        let configure = { (configuration: inout EventLoopConfiguration) in
            configuration.maximumPendingBytes = 16 << 20
            configuration.stallMilliseconds = 600_000
            configuration.lingerMilliseconds = 600_000
        }
        try withLoops(configure, orders: orders) { served in
            let client = try served.client(receiveBuffer: 8192)
            try client.send("?")
            _ = try client.receive(exactly: 10)
            #expect(served.probe.passTurn())
            #expect(served.total(\.openConnections) == 1)
            #expect((served.total(\.pendingOutputBytes) > 0) == whileFlushing)
            client.reset()
            #expect(eventually { served.total(\.openConnections) == 0 })
            #expect(served.total(\.pendingOutputBytes) == 0)
            #expect(served.probe.events == [.opened, .received(1)])
        }
    }
}
