import Glibc
import Testing

@testable import EventLoop

@Suite struct AcceptingTests {
    @Test func connectionsOverTheLimitAreToldAndClosed() throws {
        let configure = { (configuration: inout EventLoopConfiguration) in
            configuration.loops = 2
            configuration.maximumConnections = 3
            configuration.refusal = "full\n"
        }
        try withLoops(configure) { served in
            let clients = try (0..<3).map { _ in try served.client() }
            for client in clients {
                try client.send("in")
                #expect(try client.receiveText(2) == "in")
            }
            let refused = try served.client()
            #expect(String(decoding: try refused.receiveToEnd(), as: UTF8.self) == "full\n")
            #expect(served.total(\.refusedTotal) == 1)
            #expect(served.total(\.openConnections) == 3)
            // Those that are in are served on, and a place that is left is taken.
            try clients[0].send("still")
            #expect(try clients[0].receiveText(5) == "still")
            clients[1].close()
            #expect(eventually { served.total(\.openConnections) == 2 })
            let next = try served.client()
            try next.send("in")
            #expect(try next.receiveText(2) == "in")
            #expect(served.total(\.acceptedTotal) == 4)
            // The optimizer would end them, and their connections, with their last use.
            withExtendedLifetime(clients) {}
        }
    }

    /// Some systems throw away what a reset finds unread.
    @Test func aRefusalIsNotFollowedByAResetThoughThePeerSpokeFirst() throws {
        let configure = { (configuration: inout EventLoopConfiguration) in
            configuration.maximumConnections = 0
            configuration.refusal = "full\n"
        }
        try withLoops(configure) { served in
            var client: Client?
            try served.probe.whileLoopIsBusy {
                client = try served.client()
                try client?.send(pattern(20_000))
            }
            guard let client else { return }
            #expect(String(decoding: try client.receiveToEnd(), as: UTF8.self) == "full\n")
            #expect(served.probe.passTurn())
            #expect(client.pendingError == 0)
        }
    }

    @Test func aRushOfConnectionsIsAcceptedBatchByBatch() throws {
        try withLoops { served in
            var clients: [Client] = []
            try served.probe.whileLoopIsBusy { clients = try (0..<300).map { _ in try served.client() } }
            for client in clients {
                try client.send("x")
                #expect(try client.receiveText(1) == "x")
            }
            #expect(served.total(\.acceptedTotal) == 300)
        }
    }

    /// In a process of its own, since it uses up all descriptors.
    @Test func aLoopWithoutDescriptorsRestsAndRecovers() async {
        await #expect(processExitsWith: .success) {
            var limit = rlimit(rlim_cur: 128, rlim_max: 128)
            unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            try withLoops { served in
                #expect(served.group.openFilesLimit == 128)
                let settled = try served.client()
                try settled.send("in")
                #expect(try settled.receiveText(2) == "in")
                var fillers: [Int32] = []
                while case let filler = dup(0), filler >= 0 { fillers.append(filler) }
                // One descriptor for the client, none for the server.
                close(fillers.removeLast())
                let client = try served.client()
                try client.send("hello")
                #expect(eventually { served.total(\.acceptErrorsTotal) >= 1 })
                let began = served.loop.exactNanoseconds
                let errors = served.total(\.acceptErrorsTotal)
                let waits = served.total(\.waitsTotal)
                #expect(eventually { served.total(\.acceptErrorsTotal) >= errors + 4 })
                // One try each tenth of a second, and no turns between; the loop's own second comes later.
                let took = served.loop.exactNanoseconds - began
                #expect(took >= 300_000_000 && took < 3_000_000_000)
                #expect(served.total(\.waitsTotal) - waits < 50)
                // Those that are in are served on.
                try settled.send("still")
                #expect(try settled.receiveText(5) == "still")
                for filler in fillers { close(filler) }
                #expect(try client.receiveText(5) == "hello")
                #expect(served.total(\.acceptedTotal) == 2)
            }
        }
    }
}
