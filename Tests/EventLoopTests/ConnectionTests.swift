import Glibc
import Testing

@testable import EventLoop

@Suite struct ConnectionTests {
    @Test func everyConnectionGetsItsOwnBytesBack() throws {
        try withLoops({ $0.loops = 2 }) { served in
            let clients = try (0..<200).map { _ in try served.client() }
            for round in 0..<3 {
                for (number, client) in clients.enumerated() { try client.send("\(round):\(1000 + number)") }
                for (number, client) in clients.enumerated() {
                    #expect(try client.receiveText(6) == "\(round):\(1000 + number)")
                }
            }
            #expect(served.total(\.acceptedTotal) == 200)
            #expect(served.total(\.openConnections) == 200)
            #expect(served.total(\.bytesReadTotal) == 200 * 3 * 6)
            #expect(eventually { served.total(\.bytesWrittenTotal) == 200 * 3 * 6 })
            for client in clients { client.close() }
            #expect(eventually { served.total(\.openConnections) == 0 })
        }
    }

    @Test func whatIsSentAheadComesBackWholeAndInOrder() throws {
        try withLoops { served in
            let client = try served.client()
            let bytes = pattern(3 << 20)
            for begin in stride(from: 0, to: bytes.count, by: 10_007) {
                try client.send(Array(bytes[begin..<min(bytes.count, begin + 10_007)]))
            }
            #expect(try isSame(client.receive(exactly: bytes.count), bytes))
        }
    }

    @Test func aReadLargerThanTheScratchComesInPieces() throws {
        try withLoops({ $0.readBytes = 512 }) { served in
            let client = try served.client()
            let bytes = pattern(100_000)
            try client.send(bytes)
            #expect(try isSame(client.receive(exactly: bytes.count), bytes))
            #expect(served.total(\.receivesTotal) >= bytes.count / 512)
        }
    }

    @Test func bytesBeforeTheEndAreDeliveredBeforeIt() throws {
        try withLoops { served in
            let client = try served.client()
            // Both stand in the socket before the loop looks.
            try served.probe.whileLoopIsBusy {
                try client.send("last words")
                client.shutdownSending()
            }
            #expect(String(decoding: try client.receiveToEnd(), as: UTF8.self) == "last words")
            #expect(eventually { served.total { $0.closedTotal(.finished) } == 1 })
            #expect(served.probe.events == [.opened, .received(10), .peerFinished])
        }
    }

    @Test func aPeerThatHasFinishedSendingIsStillWrittenTo() throws {
        try withLoops(orders: .init(peerFinished: { _, _ in })) { served in
            let client = try served.client()
            client.shutdownSending()
            #expect(eventually { served.probe.events == [.opened, .peerFinished] })
            served.probe.perform { loop in
                guard let id = loop.connection(at: 0) else { return }
                loop.send(id, "late".utf8Span.span)
                loop.closeAfterFlush(id)
            }
            #expect(String(decoding: try client.receiveToEnd(), as: UTF8.self) == "late")
        }
    }

    @Test func aPeerThatHasFinishedSendingCostsNoTurns() throws {
        try withLoops(orders: .init(peerFinished: { _, _ in })) { served in
            let client = try served.client()
            client.shutdownSending()
            #expect(eventually { served.probe.events == [.opened, .peerFinished] })
            #expect(served.probe.passTurn())
            let before = served.loop.statistics.waitsTotal
            #expect(served.probe.passTurn())
            #expect(served.loop.statistics.waitsTotal - before < 20)
        }
    }

    @Test func aResetEndsTheConnectionOnce() throws {
        try withLoops { served in
            let client = try served.client()
            try client.send("x")
            _ = try client.receive(exactly: 1)
            client.reset()
            #expect(eventually { served.probe.events.contains(.closed(.failed)) })
            #expect(served.probe.events == [.opened, .received(1), .closed(.failed)])
            #expect(eventually { served.total(\.openConnections) == 0 })
        }
    }

    @Test func aResetBehindTheEndOfTheBytesIsNoticed() throws {
        try withLoops(orders: .init(peerFinished: { _, _ in })) { served in
            let client = try served.client()
            client.shutdownSending()
            #expect(eventually { served.probe.events == [.opened, .peerFinished] })
            client.reset()
            #expect(eventually { served.probe.events.contains(.closed(.failed)) })
        }
    }

    @Test func writingToAPeerThatIsGoneEndsTheConnection() throws {
        try withLoops(orders: .init(peerFinished: { _, _ in })) { served in
            let client = try served.client()
            #expect(eventually { served.probe.opened.count == 1 })
            client.close()
            // The first write is answered by a reset, the next fails.
            #expect(
                eventually {
                    served.probe.perform { loop in
                        if let id = loop.connection(at: 0) { loop.send(id, "anyone?".utf8Span.span) }
                    }
                    return served.probe.events.last == .closed(.failed)
                })
        }
    }

    @Test func anAbortedConnectionHearsOfItsEnd() throws {
        try withLoops(orders: .init(received: { loop, id, _ in loop.abort(id) })) { served in
            let client = try served.client()
            try client.send("x")
            #expect(try client.receiveToEnd().isEmpty)
            #expect(eventually { served.probe.events == [.opened, .received(1), .closed(.finished)] })
        }
    }

    @Test func aStaleNameTouchesNobody() throws {
        try withLoops { served in
            let first = try served.client()
            first.close()
            #expect(eventually { served.total(\.openConnections) == 0 && served.probe.opened.count == 1 })
            let second = try served.client()
            try second.send("a")
            #expect(try second.receiveText(1) == "a")
            let names = served.probe.opened
            #expect(names.count == 2 && names[0].index == names[1].index && names[0] != names[1])
            let pending = Figure()
            served.probe.perform { loop in
                loop.send(names[0], "not for you".utf8Span.span)
                loop.setDeadline(names[0], milliseconds: 0)
                loop.pauseReading(names[0])
                loop.closeAfterFlush(names[0])
                loop.abort(names[0])
                pending.value = loop.hasPendingOutput(names[0]) ? 1 : 0
            }
            #expect(served.probe.passTurn())
            try second.send("b")
            #expect(try second.receiveText(1) == "b")
            #expect(pending.value == 0)
            #expect(!served.probe.events.contains(.deadline))
        }
    }

    @Test func generationsBeginAgainWhenTheyHaveRunOut() throws {
        try withLoops { served in
            served.probe.perform { loop in
                loop.connections.grow()
                // Free places are taken from the last one added.
                loop.firstFree = 0
                loop.connections[0].generation = .max
            }
            #expect(served.probe.passTurn())
            for _ in 0..<3 {
                let client = try served.client()
                try client.send("a")
                #expect(try client.receiveText(1) == "a")
                client.close()
                #expect(eventually { served.total(\.openConnections) == 0 })
            }
            let names = served.probe.opened
            #expect(names.map(\.index) == [0, 0, 0])
            #expect(Set(names).count == 3 && names[0].generation == .max)
            // No connection's name is zero, which others may use for none.
            #expect(names.allSatisfy { $0.packed != 0 })
        }
    }

    @Test func anIdleConnectionIsSmall() {
        #expect(MemoryLayout<Connection>.stride + MemoryLayout<TimerWheel.Node>.stride <= 64)
    }

    @Test func aNameIsOneNumber() {
        let id = ConnectionID(index: 0xFFFF_FFFE, generation: 0x8000_0001)
        #expect(ConnectionID(packed: id.packed) == id)
        #expect(id.packed == 0x8000_0001_FFFF_FFFE)
    }
}
