import Testing

@testable import EventLoop

/// A handler may do anything to a connection inside any call about it.
@Suite struct CallsFromCallbacksTests {
    enum Callback: CaseIterable { case opened, received, peerFinished, deadline, outputDrained, closed, tick }

    enum Deed: CaseIterable {
        case abort, end, sendAndEnd, sendMuchAndEnd, sendMuchAndAbort, endAndAbort, sendTooMuch, pauseAndEnd

        func perform(_ loop: EventLoop, _ id: ConnectionID) {
            switch self {
            case .abort: loop.abort(id)
            case .end: loop.closeAfterFlush(id)
            case .sendAndEnd:
                loop.send(id, "bye".utf8Span.span)
                loop.closeAfterFlush(id)
            case .sendMuchAndEnd:
                loop.send(id, CallsFromCallbacksTests.much.span)
                loop.closeAfterFlush(id)
            case .sendMuchAndAbort:
                loop.send(id, CallsFromCallbacksTests.much.span)
                loop.abort(id)
            case .endAndAbort:
                loop.closeAfterFlush(id)
                loop.abort(id)
            case .sendTooMuch:
                for _ in 0..<4 { loop.send(id, CallsFromCallbacksTests.much.span) }
                loop.closeAfterFlush(id)
            case .pauseAndEnd:
                loop.pauseReading(id)
                loop.closeAfterFlush(id)
                loop.resumeReading(id)
            }
            loop.setDeadline(id, milliseconds: 0)
        }
    }

    private static let much = pattern(6 << 20)

    /// Does `deed` where `callback` is called for the first connection; others are echoed.
    private func orders(_ callback: Callback, _ deed: Deed) -> ProbeHandler.Orders {
        func at(_ place: Callback, or otherwise: @escaping (EventLoop, ConnectionID) -> Void = { _, _ in })
            -> (EventLoop, ConnectionID) -> Void
        {
            { loop, id in
                if place == callback, id.generation == 1 { deed.perform(loop, id) } else { otherwise(loop, id) }
            }
        }
        let received = at(.received)
        let ticked = at(.tick)
        return .init(
            opened: at(.opened) { loop, id in
                if callback == .deadline, id.generation == 1 { loop.setDeadline(id, milliseconds: 0) }
            },
            received: { loop, id, bytes in
                received(loop, id)
                if callback == .outputDrained, id.generation == 1 {
                    loop.send(id, Self.much.span)
                } else {
                    loop.send(id, bytes)
                }
            },
            peerFinished: at(.peerFinished) { loop, id in loop.closeAfterFlush(id) },
            deadline: at(.deadline), outputDrained: at(.outputDrained), closed: at(.closed),
            tick: { loop in
                if let id = loop.connection(at: 0) { ticked(loop, id) }
            })
    }

    @Test(arguments: Callback.allCases, Deed.allCases)
    func theConnectionEndsOnceAndTheNextIsServed(callback: Callback, deed: Deed) throws {
        try withLoops({ $0.maximumPendingBytes = 8 << 20 }, orders: orders(callback, deed)) { served in
            let client = try served.client(receiveBuffer: 8192)
            switch callback {
            case .opened, .deadline, .tick: break
            case .received: try client.send("x")
            case .outputDrained:
                try client.send("x")
                _ = try client.receive(exactly: Self.much.count)
            case .peerFinished: client.shutdownSending()
            case .closed: client.reset()
            }
            if callback != .closed {
                // Where it is cut off, a reset may come behind what was sent.
                _ = try? client.receiveToEnd()
                client.close()
            }
            #expect(eventually { served.probe.opened.count == 1 && served.total(\.openConnections) == 0 })
            #expect(served.total(\.pendingOutputBytes) == 0)
            let ends = served.probe.events.filter { if case .closed = $0 { true } else { false } }
            #expect(ends.count <= 1)
            #expect(
                served.total { statistics in CloseReason.allCases.reduce(0) { $0 + statistics.closedTotal($1) } } == 1)
            let next = try served.client()
            try next.send("next")
            #expect(try next.receiveText(4) == "next")
        }
    }

    @Test func endingOthersWhileOneIsReportedClosedEndsAll() throws {
        let orders = ProbeHandler.Orders(closed: { loop, _ in
            for index in 0..<10 {
                if let id = loop.connection(at: index) { loop.abort(id) }
            }
        })
        try withLoops(orders: orders) { served in
            let clients = try (0..<10).map { _ in try served.client() }
            #expect(eventually { served.probe.opened.count == 10 })
            clients[4].reset()
            #expect(eventually { served.total(\.openConnections) == 0 })
            #expect(served.probe.events.filter { $0 == .closed(.finished) }.count == 9)
            #expect(served.probe.events.filter { $0 == .closed(.failed) }.count == 1)
            // The optimizer would end them, and their connections, with their last use.
            withExtendedLifetime(clients) {}
        }
    }
}
