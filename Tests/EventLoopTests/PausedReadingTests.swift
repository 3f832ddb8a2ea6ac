import Testing

@testable import EventLoop

/// A connection whose poll is parked is not read, and yet watched.
@Suite struct PausedReadingTests {
    private let paused = ProbeHandler.Orders(
        opened: { loop, id in loop.pauseReading(id) }, peerFinished: { _, _ in })

    private func resume(_ served: Served) {
        served.probe.perform { loop in
            if let id = loop.connection(at: 0) { loop.resumeReading(id) }
        }
    }

    @Test func nothingIsReadUntilReadingIsResumed() throws {
        try withLoops(orders: paused) { served in
            let client = try served.client()
            try client.send("early")
            #expect(eventually { served.probe.events == [.opened] })
            #expect(served.probe.passTurn())
            #expect(served.probe.events == [.opened])
            resume(served)
            #expect(try client.receiveText(5) == "early")
        }
    }

    @Test func aPeerThatGoesIsNoticed() throws {
        try withLoops(orders: paused) { served in
            let client = try served.client()
            client.close()
            #expect(eventually { served.probe.events == [.opened, .peerFinished] })
        }
    }

    @Test func bytesBeforeTheEndAreThereWhenReadingIsResumed() throws {
        try withLoops(orders: paused) { served in
            let client = try served.client()
            try client.send("kept")
            client.shutdownSending()
            #expect(eventually { served.probe.events == [.opened, .peerFinished] })
            resume(served)
            #expect(try client.receiveText(4) == "kept")
            #expect(served.probe.passTurn())
            // Known at once, and told again behind what came before it.
            #expect(eventually { served.probe.events == [.opened, .peerFinished, .received(4), .peerFinished] })
            #expect(served.total(\.openConnections) == 1)
        }
    }

    @Test func aPeerThatFinishedCostsNoTurns() throws {
        try withLoops(orders: paused) { served in
            let client = try served.client()
            client.shutdownSending()
            #expect(eventually { served.probe.events == [.opened, .peerFinished] })
            #expect(served.probe.passTurn())
            let before = served.loop.statistics.waitsTotal
            #expect(served.probe.passTurn())
            #expect(served.loop.statistics.waitsTotal - before < 20)
        }
    }

    @Test(arguments: [false, true])
    func aPeerThatResetsIsNoticed(afterFinishing: Bool) throws {
        try withLoops(orders: paused) { served in
            let client = try served.client()
            try client.send("unread")
            if afterFinishing {
                client.shutdownSending()
                #expect(eventually { served.probe.events == [.opened, .peerFinished] })
            } else {
                #expect(eventually { served.probe.events == [.opened] })
            }
            client.reset()
            #expect(eventually { served.probe.events.last == .closed(.failed) })
            #expect(!served.probe.events.contains(.received(6)))
        }
    }
}
