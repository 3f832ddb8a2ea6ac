import Glibc
import Testing

@testable import EventLoop

@Suite struct SlowReaderTests {
    /// What a test's client is sent for each read: more than sockets buffer.
    private static let reply = pattern(8 << 20)

    private func replyingAndAwaiting() -> ProbeHandler.Orders {
        .init(received: { loop, id, _ in
            loop.send(id, Self.reply.span)
            loop.awaitOutput(id)
        })
    }

    private func replying(andClosing closes: Bool = false) -> ProbeHandler.Orders {
        .init(received: { loop, id, _ in
            loop.send(id, Self.reply.span)
            if closes { loop.closeAfterFlush(id) }
        })
    }

    @Test func whatASocketDoesNotTakeIsWrittenAsItDoes() throws {
        try withLoops({ $0.maximumPendingBytes = 16 << 20 }, orders: replying()) { served in
            let client = try served.client(receiveBuffer: 8192)
            try client.send("?")
            #expect(eventually { served.total(\.pendingOutputBytes) > 0 })
            let isPending = Flag()
            served.probe.perform { loop in
                if let id = loop.connection(at: 0), loop.hasPendingOutput(id) { isPending.raise() }
            }
            #expect(eventually { isPending.isRaised })
            #expect(try isSame(client.receive(exactly: Self.reply.count), Self.reply))
            #expect(eventually { served.probe.events.contains(.outputDrained) })
            #expect(served.probe.events == [.opened, .received(1), .outputDrained])
            #expect(served.total(\.pendingOutputBytes) == 0)
            #expect(served.total(\.bytesWrittenTotal) == Self.reply.count)
        }
    }

    @Test func whatIsSentLaterComesLater() throws {
        let gate = Flag()
        let orders = ProbeHandler.Orders(received: { loop, id, _ in
            loop.send(id, Self.reply.span)
            _ = eventually { gate.isRaised }
            loop.send(id, "tail".utf8Span.span)
        })
        try withLoops({ $0.maximumPendingBytes = 16 << 20 }, orders: orders) { served in
            let client = try served.client(receiveBuffer: 8192)
            try client.send("?")
            // There is room in the socket again while output is pending.
            var bytes = try client.receive(exactly: 32 << 10)
            gate.raise()
            bytes += try client.receive(exactly: Self.reply.count - bytes.count)
            #expect(isSame(bytes, Self.reply))
            #expect(try client.receiveText(4) == "tail")
        }
    }

    @Test func outputThatFitsAtOnceIsNotCalledDrained() throws {
        try withLoops { served in
            let client = try served.client()
            try client.send("ping")
            #expect(try client.receiveText(4) == "ping")
            #expect(served.probe.passTurn())
            #expect(!served.probe.events.contains(.outputDrained))
        }
    }

    @Test func othersAreServedMeanwhile() throws {
        try withLoops({ $0.maximumPendingBytes = 16 << 20 }, orders: replying()) { served in
            let slow = try served.client(receiveBuffer: 8192)
            try slow.send("?")
            #expect(eventually { served.total(\.pendingOutputBytes) > 0 })
            let quick = try served.client()
            try quick.send("?")
            #expect(try isSame(quick.receive(exactly: Self.reply.count), Self.reply))
        }
    }

    @Test func aPeerThatLetsTooMuchPileUpIsCutOff() throws {
        try withLoops({ $0.maximumPendingBytes = 1 << 20 }, orders: replying()) { served in
            let client = try served.client(receiveBuffer: 8192)
            try client.send("?")
            #expect(eventually { served.probe.events.last == .closed(.slowReader) })
            #expect(eventually { served.total { $0.closedTotal(.slowReader) } == 1 })
            #expect(served.total(\.pendingOutputBytes) == 0)
        }
    }

    @Test func allPeersOfALoopTogetherHaveABound() throws {
        let configure = { (configuration: inout EventLoopConfiguration) in
            configuration.maximumPendingBytes = 16 << 20
            configuration.maximumPendingBytesPerLoop = 8 << 20
        }
        try withLoops(configure, orders: replying()) { served in
            let first = try served.client(receiveBuffer: 8192)
            try first.send("?")
            #expect(eventually { served.total(\.pendingOutputBytes) > 0 })
            let second = try served.client(receiveBuffer: 8192)
            try second.send("?")
            #expect(eventually { served.total { $0.closedTotal(.slowReader) } == 1 })
            #expect(try isSame(first.receive(exactly: Self.reply.count), Self.reply))
        }
    }

    @Test func aPeerThatLeavesWhileOutputIsPendingHoldsNothing() throws {
        try withLoops({ $0.maximumPendingBytes = 16 << 20 }, orders: replying()) { served in
            let client = try served.client(receiveBuffer: 8192)
            try client.send("?")
            #expect(eventually { served.total(\.pendingOutputBytes) > 0 })
            client.reset()
            #expect(eventually { served.total(\.openConnections) == 0 })
            #expect(served.total(\.pendingOutputBytes) == 0)
        }
    }

    @Test func aConnectionThatEndsIsWrittenToItsLastByte() throws {
        try withLoops({ $0.maximumPendingBytes = 16 << 20 }, orders: replying(andClosing: true)) { served in
            let client = try served.client(receiveBuffer: 8192)
            try client.send("?")
            #expect(eventually { served.total(\.pendingOutputBytes) > 0 })
            #expect(try isSame(client.receiveToEnd(), Self.reply))
            client.close()
            #expect(eventually { served.total { $0.closedTotal(.finished) } == 1 })
            // The handler has let go; it hears no more.
            #expect(served.probe.events == [.opened, .received(1)])
        }
    }

    @Test func aConnectionThatEndsWaitsForAPeerThatTakesALittleAtATime() throws {
        let configure = { (configuration: inout EventLoopConfiguration) in
            configuration.maximumPendingBytes = 16 << 20
            configuration.stallMilliseconds = 1000
        }
        try withLoops(configure, orders: replying(andClosing: true)) { served in
            let client = try served.client(receiveBuffer: 8192)
            try client.send("?")
            let slowUntil = served.loop.exactNanoseconds + 2_200_000_000
            var bytes: [UInt8] = []
            while served.loop.exactNanoseconds < slowUntil {
                let pauseUntil = served.loop.exactNanoseconds + 20_000_000
                _ = eventually { served.loop.exactNanoseconds >= pauseUntil }
                bytes += try client.receive(exactly: 65536)
            }
            bytes += try client.receiveToEnd()
            #expect(isSame(bytes, Self.reply))
        }
    }

    @Test func aConnectionThatEndsWaitsOnlySoLongForAPeerThatTakesNothing() throws {
        let configure = { (configuration: inout EventLoopConfiguration) in
            configuration.maximumPendingBytes = 16 << 20
            configuration.stallMilliseconds = 50
        }
        try withLoops(configure, orders: replying(andClosing: true)) { served in
            let client = try served.client(receiveBuffer: 8192)
            try client.send("?")
            #expect(eventually { served.total { $0.closedTotal(.slowReader) } == 1 })
            #expect(eventually { served.total(\.openConnections) == 0 })
        }
    }

    @Test func anAwaitedPeerIsGivenTimeAnewForEachPieceItTakes() throws {
        let configure = { (configuration: inout EventLoopConfiguration) in
            configuration.maximumPendingBytes = 16 << 20
            configuration.stallMilliseconds = 1000
        }
        try withLoops(configure, orders: replyingAndAwaiting()) { served in
            let client = try served.client(receiveBuffer: 8192)
            try client.send("?")
            let slowUntil = served.loop.exactNanoseconds + 2_200_000_000
            var bytes: [UInt8] = []
            while served.loop.exactNanoseconds < slowUntil {
                usleep(20_000)
                bytes += try client.receive(exactly: 65536)
            }
            bytes += try client.receive(exactly: Self.reply.count - bytes.count)
            #expect(isSame(bytes, Self.reply))
            // Once all is taken, nothing ends it.
            #expect(eventually { served.probe.events.contains(.outputDrained) })
            usleep(1_500_000)
            #expect(served.probe.events == [.opened, .received(1), .outputDrained])
        }
    }

    @Test func anAwaitedPeerThatTakesNothingIsCutOff() throws {
        let configure = { (configuration: inout EventLoopConfiguration) in
            configuration.maximumPendingBytes = 16 << 20
            configuration.stallMilliseconds = 50
        }
        try withLoops(configure, orders: replyingAndAwaiting()) { served in
            let client = try served.client(receiveBuffer: 8192)
            try client.send("?")
            #expect(eventually { served.probe.events == [.opened, .received(1), .closed(.slowReader)] })
            client.close()
        }
    }

    /// Each piece comes in time; all of them together would take for ever.
    @Test func anAwaitedPeerThatTakesLittleOverAllIsCutOff() throws {
        let configure = { (configuration: inout EventLoopConfiguration) in
            configuration.maximumPendingBytes = 16 << 20
            configuration.stallMilliseconds = 1000
            configuration.minimumReadBytesPerSecond = 100 << 20
        }
        try withLoops(configure, orders: replyingAndAwaiting()) { served in
            let client = try served.client(receiveBuffer: 8192)
            try client.send("?")
            // 2.5 MiB a second: some of it is taken in each second.
            var pieces = 0
            while served.probe.events.last != .closed(.slowReader), pieces < 32 {
                usleep(100_000)
                _ = try? client.receive(exactly: 256 << 10)
                pieces += 1
            }
            #expect(pieces < 25)
            #expect(served.probe.events.last == .closed(.slowReader))
            client.close()
        }
    }

    @Test func awaitingOfAPeerThatOwesNothingLeavesItsDeadlineAlone() throws {
        let orders = ProbeHandler.Orders(received: { loop, id, bytes in
            loop.setDeadline(id, milliseconds: 100)
            loop.send(id, bytes)
            loop.awaitOutput(id)
        })
        try withLoops({ $0.stallMilliseconds = 1 }, orders: orders) { served in
            let client = try served.client()
            try client.send("?")
            #expect(eventually { served.probe.events == [.opened, .received(1), .deadline] })
            client.close()
        }
    }

    /// How the connection stands when its peer, which reads nothing, has finished sending.
    enum Standing: CaseIterable { case open, paused, ending, pausedAndEnding }

    /// Its end is told once and is not looked at again and again, and it is still sent everything.
    @Test(arguments: Standing.allCases)
    func aPeerThatFinishedCostsNoTurnsWhileOutputIsPending(standing: Standing) throws {
        let orders = ProbeHandler.Orders(
            received: { loop, id, _ in
                if standing == .paused || standing == .pausedAndEnding { loop.pauseReading(id) }
                loop.send(id, Self.reply.span)
                if standing == .ending || standing == .pausedAndEnding { loop.closeAfterFlush(id) }
            },
            peerFinished: { _, _ in }, outputDrained: { loop, id in loop.closeAfterFlush(id) })
        try withLoops({ $0.maximumPendingBytes = 16 << 20 }, orders: orders) { served in
            let client = try served.client(receiveBuffer: 8192)
            try client.send("?")
            #expect(eventually { served.total(\.pendingOutputBytes) > 0 })
            client.shutdownSending()
            let isTold = standing == .open || standing == .paused
            #expect(eventually { served.probe.events.contains(.peerFinished) == isTold })
            // What the kernel still takes is taken; then the loop sleeps.
            #expect(
                eventually {
                    let waits = served.total(\.waitsTotal)
                    usleep(20_000)
                    return served.total(\.waitsTotal) == waits
                })
            #expect(try isSame(client.receiveToEnd(), Self.reply))
            client.close()
            #expect(eventually { served.total { $0.closedTotal(.finished) } == 1 })
            #expect(served.probe.events.filter { $0 == .peerFinished }.count == (isTold ? 1 : 0))
        }
    }
}
