import Foundation
import Gateway
import GatewayTesting
import Testing

/// A gateway under clients of several threads, over real sockets.
@Suite(.serialized) struct GatewayTests {
    private let path = "/v1/topics/t/messages"

    /// Waits, within bounds, until `condition` holds.
    private func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
        for _ in 0..<2000 { if try condition() { return true } }
        return false
    }

    /// Runs each piece of work on a thread of its own, since clients block, and waits for all.
    private func onThreads(_ work: [@Sendable () throws -> [String]]) -> [[String]] {
        let results = Results()
        let done = DispatchSemaphore(value: 0)
        for (index, body) in work.enumerated() {
            Thread.detachNewThread {
                let result = (try? body()) ?? ["failed"]
                results.store(result, of: index)
                done.signal()
            }
        }
        for _ in work { done.wait() }
        return work.indices.map { results.of($0) }
    }

    /// Behind `NSLock`, as ThreadSanitizer does not see a contended `Mutex` change hands.
    private final class Results: @unchecked Sendable {
        private let lock = NSLock()
        private var all: [Int: [String]] = [:]

        func store(_ result: [String], of index: Int) { lock.withLock { all[index] = result } }
        func of(_ index: Int) -> [String] { lock.withLock { all[index] ?? [] } }
    }

    /// So many publishers, each of which stores so many messages; what one returns is what it was refused with.
    private func writers(
        of gateway: TestGateway, _ publishers: Int, _ each: Int
    ) -> [@Sendable () throws -> [String]] {
        (0..<publishers).map { publisher in
            {
                let client = try gateway.connect()
                for number in 0..<each {
                    let reply = try client.request("POST", "/v1/topics/t/messages", body: "\(publisher)-\(number)")
                    guard reply.status == 201 else { return [reply.body] }
                }
                return []
            }
        }
    }

    @Test func publishersAndPollersOfAllLoopsAgree() throws {
        let gateway = try TestGateway { $0.loops = 4 }
        defer { gateway.stop() }
        let publishers = 4
        let each = 200
        let readers = (0..<6).map { reader -> @Sendable () throws -> [String] in
            {
                let client = try gateway.connect()
                let selection = reader % 2 == 0 ? "t" : "t,other.*"
                var position = "since=earliest"
                var found: [String] = []
                while found.count < publishers * each {
                    let reply = try client.request(
                        "GET", "/v1/topics/\(selection)/messages?wait=20s&limit=37&\(position)")
                    guard reply.status == 200 else { return [reply.body] }
                    found += Self.data(reply.body)
                    position = "after=" + String(reply.body.suffix(26).prefix(23))
                }
                return found
            }
        }
        let results = onThreads(readers + writers(of: gateway, publishers, each))
        let refused = results[6...].flatMap { $0 }
        #expect(refused.isEmpty, "every publish was stored")
        for found in results[..<6] {
            #expect(found == results[0], "every reader sees the same order")
            #expect(Set(found).count == publishers * each, "nothing is lost or doubled")
            for publisher in 0..<publishers {
                let own = found.filter { $0.hasPrefix("\(publisher)-") }
                #expect(own == (0..<each).map { "\(publisher)-\($0)" }, "a publisher's order is kept")
            }
        }
    }

    @Test func streamsOfAllLoopsSeeWhatPublishersOfAllLoopsStored() throws {
        let gateway = try TestGateway { $0.loops = 4 }
        defer { gateway.stop() }
        let publishers = 3
        let each = 200
        let readers = (0..<8).map { reader -> @Sendable () throws -> [String] in
            {
                let selection = ["t", "t,other.*", "*", "t"][reader % 4]
                var after = ""
                var found: [String] = []
                // Some are cut again and again, and resume.
                while found.count < publishers * each {
                    let client = try gateway.connect()
                    try client.send(TestClient.text("GET", "/v1/topics/\(selection)/messages?format=ndjson\(after)"))
                    guard try client.response().status == 200 else { return ["refused"] }
                    var pieces = reader < 4 ? Int.max : 5
                    while pieces > 0, found.count < publishers * each {
                        pieces -= 1
                        guard let piece = try client.piece() else { return ["ended"] }
                        found += Self.data(piece)
                        if let last = piece.split(separator: "\n").last {
                            after = "&after=" + last.dropFirst(11).prefix(23)
                        }
                    }
                }
                return found
            }
        }
        let results = onThreads(readers + writers(of: gateway, publishers, each))
        let refused = results[8...].flatMap { $0 }
        #expect(refused.isEmpty, "every publish was stored")
        for found in results[..<8] {
            #expect(found == results[0], "every reader sees the same order")
            #expect(Set(found).count == publishers * each, "nothing is lost or doubled")
        }
        #expect(try eventually { try gateway.metric("postern_streams") == 0 })
    }

    private static func data(_ body: String) -> [String] {
        body.split(separator: "\"data\":\"").dropFirst().map { String($0.prefix { $0 != "\"" }) }
    }

    @Test func aParkedPollIsAnsweredByDrainAndTheGatewayEnds() throws {
        let gateway = try TestGateway { $0.loops = 2 }
        let client = try gateway.connect()
        try client.send(TestClient.text("GET", path + "?wait=60s"))
        #expect(try eventually { try gateway.metric("postern_poll_waiters") == 1 })
        gateway.gateway.drain()
        let reply = try client.response()
        #expect(
            reply.status == 200 && reply.body.hasPrefix("{\"messages\":[],") && reply.headers["connection"] == "close")
        gateway.gateway.join()
    }

    @Test func whoGoesAwayWhileParkedLeavesNoWaiter() throws {
        let gateway = try TestGateway()
        defer { gateway.stop() }
        for target in [path, "/v1/topics/a.*,b/messages"] {
            let client = try gateway.connect()
            try client.send(TestClient.text("GET", target + "?wait=60s"))
            #expect(try eventually { try gateway.metric("postern_poll_waiters") == 1 })
            client.close()
            #expect(try eventually { try gateway.metric("postern_poll_waiters") == 0 })
        }
    }

    @Test func whatIsSentAheadOfAParkedPollIsServedBehindIt() throws {
        let gateway = try TestGateway()
        defer { gateway.stop() }
        let client = try gateway.connect()
        try client.send(
            TestClient.text("GET", path + "?wait=60s") + TestClient.text("GET", "/livez")
                + TestClient.text("POST", "/v1/topics/u/messages", body: "later"))
        #expect(try eventually { try gateway.metric("postern_poll_waiters") == 1 })
        try gateway.connect().request("POST", path, body: "now")
        #expect(try Self.data(client.response().body) == ["now"])
        #expect(try client.response().body == "ok\n")
        #expect(try client.response().status == 201)
    }

    @Test func halfSentBodiesGiveTheirArenasBack() throws {
        let gateway = try TestGateway()
        defer { gateway.stop() }
        let clients = try (0..<5).map { _ in try gateway.connect() }
        for client in clients { try client.send("POST \(path) HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nabc") }
        // The scrape itself holds one.
        #expect(try eventually { try gateway.metric("postern_arena_pool_in_use") == 6 })
        for client in clients { client.close() }
        #expect(try eventually { try gateway.metric("postern_arena_pool_in_use") == 1 })
    }

    @Test func bodiesBeyondTheBudgetAreRefusedAndReadsGoOn() throws {
        let gateway = try TestGateway {
            $0.arenaBudgetBytes = 1 << 20
            $0.arenaMaximumBytes = 1 << 20
        }
        defer { gateway.stop() }
        var holders: [TestClient] = []
        var refused: TestClient.Response?
        let part = String(repeating: "x", count: 200 << 10)
        for _ in 0..<20 where refused == nil {
            let client = try gateway.connect()
            try client.send("POST \(path) HTTP/1.1\r\nHost: h\r\nContent-Length: 400000\r\n\r\n")
            try? client.send(part)
            holders.append(client)
            let probe = try gateway.connect().request("POST", path, body: String(repeating: "y", count: 300 << 10))
            if probe.status == 503 { refused = probe }
        }
        #expect(refused?.headers["retry-after"] != nil && refused?.body.contains("\"code\":\"overloaded\"") == true)
        #expect(try gateway.connect().request("GET", "/livez").status == 200)
        for client in holders { client.close() }
        #expect(try eventually { try gateway.connect().request("POST", path, body: "z").status == 201 })
    }

    @Test func gatewaysOfOneProcessComeAndGo() throws {
        for _ in 0..<5 {
            let gateway = try TestGateway { $0.loops = 2 }
            #expect(try gateway.connect().request("POST", path, body: "x").status == 201)
            gateway.stop()
        }
    }
}
