import Arenas
import CAllocationCount
import Foundation
import Testing

@testable import Clients

@Suite struct RateTableTests {
    private static let second: UInt64 = 1_000_000_000

    private func limits(requests: String? = nil, streams: UInt32? = nil) throws -> RateLimits {
        var limits = RateLimits()
        limits.requests = try requests.map { try rate($0) }
        limits.streams = streams
        return limits
    }

    private func key(_ number: Int) -> RateKey { RateKey(ClientAddress(ipv4: UInt32(number))) }

    private let one = RateCost(requests: 1)

    @Test("each client has limits of its own")
    func keepsClientsApart() throws {
        let table = RateTable(limits: try limits(requests: "2/s"), capacity: 256)
        #expect(
            table.check(key(1), cost: one, at: 0)
                == .allowed(RateStanding(kind: .requests, limit: 2, remaining: 1, resetSeconds: 1)))
        #expect(table.check(key(1), cost: one, at: 0).isAllowed)
        #expect(table.check(key(1), cost: one, at: 0) == .limited(by: .requests, retryAfterSeconds: 1))
        #expect(table.check(key(2), cost: one, at: 0).isAllowed)
        #expect(table.check(key(1), cost: one, at: Self.second / 2).isAllowed)
    }

    @Test("limits may change; what a client did counts on")
    func takesOtherLimits() throws {
        let table = RateTable(limits: try limits(requests: "10/s", streams: 2), capacity: 256)
        let ticket = try #require(table.enter(key(1), .stream, at: 0))
        for _ in 0..<10 { #expect(table.check(key(1), cost: one, at: 0).isAllowed) }
        table.setLimits(try limits(requests: "2/s", streams: 1))
        #expect(!table.check(key(1), cost: one, at: 0).isAllowed)
        #expect(table.enter(key(1), .stream, at: 0) == nil)
        #expect(table.check(key(1), cost: one, at: 60 * Self.second).isAllowed)
        table.setLimits(RateLimits())
        #expect(table.check(key(1), cost: one, at: 60 * Self.second).isAllowed)
        #expect(table.enter(key(1), .stream, at: 0) != nil)
        table.leave(ticket)
    }

    @Test("addresses of one /64 are one client; a principal is none of them")
    func keys() throws {
        let addresses = [
            "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "192.0.2.1", "::1", "::", "ffff::", "::ffff:0.0.0.1",
        ]
        let keys = try addresses.map { RateKey(try #require(address($0))) }
        #expect(keys[0] == keys[1] && keys[0] != keys[2] && keys[4] == keys[5])
        for number in [0, 1, 0xFFFF, UInt64.max, try #require(address("2001:db8::")).high] {
            #expect(!keys.contains(RateKey(principal: number)))
        }
    }

    @Test("a cost is taken as a whole or not at all, and the longest wait is told")
    func isAllOrNothing() throws {
        var limits = RateLimits()
        limits.requests = try rate("10/s")
        limits.bytes = try rate("1KiB/s", inBytes: true)
        limits.messages = try rate("5/m")
        limits.topics = try rate("1/h")
        let table = RateTable(limits: limits, capacity: 256)
        let cost = RateCost(requests: 1, bytes: 100, messages: 1, topics: 1)
        #expect(table.check(key(1), cost: cost, at: 0).isAllowed)
        #expect(table.check(key(1), cost: cost, at: 0) == .limited(by: .topics, retryAfterSeconds: 3600))
        let rest = RateCost(requests: 9, bytes: 924, messages: 4)
        #expect(
            table.check(key(1), cost: rest, at: 0)
                == .allowed(RateStanding(kind: .requests, limit: 10, remaining: 0, resetSeconds: 1)))
        #expect(table.check(key(1), cost: RateCost(bytes: 512), at: 0) == .limited(by: .bytes, retryAfterSeconds: 1))
        #expect(
            table.check(key(1), cost: RateCost(messages: 1), at: 0) == .limited(by: .messages, retryAfterSeconds: 12))
        #expect(table.check(key(1), cost: RateCost(), at: 0).isAllowed)
    }

    @Test("without limits everything is let through")
    func unlimited() {
        let table = RateTable(limits: RateLimits(), capacity: 256)
        for _ in 0..<100 {
            #expect(table.check(key(1), cost: RateCost(requests: 1, bytes: 1 << 40), at: 0) == .allowed(nil))
            #expect(table.enter(key(1), .stream, at: 0) != nil)
        }
    }

    @Test("what a client has at a time is counted, each kind on its own")
    func counts() throws {
        var limits = RateLimits()
        (limits.connections, limits.polls, limits.streams) = (3, 2, 1)
        let table = RateTable(limits: limits, capacity: 256)
        for (occupancy, most) in [(Occupancy.connection, 3), (.poll, 2), (.stream, 1)] {
            var tickets: [RateTicket] = []
            while let ticket = table.enter(key(7), occupancy, at: 0) { tickets.append(ticket) }
            #expect(tickets.count == most)
            #expect(table.enter(key(8), occupancy, at: 0) != nil)
            table.leave(tickets.removeLast())
            #expect(table.enter(key(7), occupancy, at: 0) != nil)
            #expect(table.enter(key(7), occupancy, at: 0) == nil)
        }
        #expect(Occupancy.allCases.map { "\($0.kind.name)" } == ["connections", "polls", "streams"])
    }

    @Test("memory is bounded by what is said: 96 bytes a key")
    func isBounded() throws {
        #expect(MemoryLayout<RateEntry>.stride == RateTable.bytesPerKey)
        #expect(RateTable(limits: RateLimits(), capacity: 1).capacity == 256)
        #expect(RateTable(limits: RateLimits(), capacity: 1000).capacity == 1024)
        #expect(RateTable(limits: RateLimits(), capacity: 1024).capacity == 1024)
        let table = RateTable(limits: try limits(requests: "1/h"), capacity: 1024)
        for number in 0..<20_000 { _ = table.check(key(number), cost: one, at: 0) }
        let statistics = table.statistics()
        #expect(statistics.keys <= 1024 && statistics.keys > 900)
        #expect(statistics.overflows > 10_000 && statistics.replacements == 0)
    }

    @Test("strangers with many addresses cannot evict a client that used its limit")
    func victimsKeepTheirState() throws {
        let table = RateTable(limits: try limits(requests: "10/h"), capacity: 256)
        for _ in 0..<10 { #expect(table.check(key(1), cost: one, at: 0).isAllowed) }
        let ticket = try #require(table.enter(key(1), .stream, at: 0))
        for number in 1000..<50_000 { _ = table.check(key(number), cost: one, at: UInt64(number)) }
        #expect(!table.check(key(1), cost: one, at: 60_000).isAllowed)
        table.leave(ticket)
    }

    @Test("those who find no place share what one client may do, a shard each")
    func overflowIsShared() throws {
        let table = RateTable(limits: try limits(requests: "10/h"), capacity: 256)
        var allowed = 0
        for number in 0..<50_000 where table.check(key(number), cost: one, at: 0).isAllowed { allowed += 1 }
        let keys = Int(table.statistics().keys)
        #expect(allowed == keys + 16 * 10)
    }

    @Test("entries that are idle make place, oldest clients' or not; a client with a stream does not")
    func idleEntriesAreReplaced() throws {
        let table = RateTable(limits: try limits(requests: "10/s", streams: 1), capacity: 256)
        let ticket = try #require(table.enter(key(1), .stream, at: 0))
        for number in 2..<20_000 { _ = table.check(key(number), cost: one, at: 0) }
        let before = table.statistics()
        for number in 20_000..<20_100 {
            // Each comes when all before it are full again.
            #expect(table.check(key(number), cost: one, at: UInt64(number) * Self.second).isAllowed)
        }
        let after = table.statistics()
        #expect(after.overflows == before.overflows && after.replacements >= before.replacements + 90)
        #expect(table.enter(key(1), .stream, at: 30_000 * Self.second) == nil)
        table.leave(ticket)
        #expect(table.enter(key(1), .stream, at: 30_000 * Self.second) != nil)
    }

    @Test("who entered on the shared entry leaves there, even if it has its own place by then")
    func ticketsKnowTheirEntry() throws {
        let table = RateTable(limits: try limits(streams: 1_000_000), capacity: 256)
        var tickets: [RateTicket] = []
        for number in 0..<5_000 { tickets.append(try #require(table.enter(key(number), .stream, at: 0))) }
        #expect(table.statistics().overflows > 4_000)
        var numbers = SeededNumbers(state: 1)
        tickets.shuffle(using: &numbers)
        for (index, ticket) in tickets.enumerated() {
            table.leave(ticket)
            let again = try #require(table.enter(key(index), .stream, at: 0))
            table.leave(again)
        }
    }

    @Test("eight threads together are let through exactly as often as one")
    func threadsAgree() throws {
        let limits = try limits(requests: "1/d:10000", streams: 100)
        let table = RateTable(limits: limits, capacity: 256)
        let allowed = Counts(8)
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            var count = 0
            var held: [RateTicket] = []
            for round in 0..<20_000 {
                if table.check(RateKey(principal: UInt64(round & 3)), cost: RateCost(requests: 1), at: 0).isAllowed {
                    count += 1
                }
                if let ticket = table.enter(RateKey(principal: 9), .stream, at: 0) { held.append(ticket) }
                if round & 1 == 1, let ticket = held.popLast() { table.leave(ticket) }
            }
            for ticket in held { table.leave(ticket) }
            allowed.set(thread, count)
        }
        #expect(allowed.sum == 4 * 10_000)
        var entered = 0
        while table.enter(RateKey(principal: 9), .stream, at: 0) != nil { entered += 1 }
        #expect(entered == 100)
    }

    @Test(
        "nothing is allocated behind the start",
        .enabled(if: postern_counts_allocations(), "a sanitizer has its own heap"))
    func allocatesNothing() throws {
        var limits = try limits(requests: "10/s", streams: 5)
        limits.bytes = try rate("1MiB/s", inBytes: true)
        let table = RateTable(limits: limits, capacity: 1024)
        let trusted = try list("10.0.0.0/8")
        let header = Array("198.51.100.1, 10.0.0.2".utf8)
        let proxy = Array("PROXY TCP4 192.0.2.1 198.51.100.1 12345 443\r\n".utf8)
        func work(_ rounds: Int) throws {
            for number in 0..<rounds {
                _ = table.check(key(number), cost: RateCost(requests: 1, bytes: 100), at: UInt64(number))
                if let ticket = table.enter(key(number), .stream, at: UInt64(number)) { table.leave(ticket) }
                var forwarded = ForwardedFor(peer: ClientAddress(ipv4: 0x0A00_0001), trusted: trusted)
                forwarded.walk(header.span, trusted: trusted)
                var reader = ProxyHeader()
                _ = try reader.parse(proxy.span)
            }
        }
        try work(10)
        let before = postern_thread_allocations()
        try work(5_000)
        #expect(postern_thread_allocations() == before)
    }

    @Test("a standing is written as the header field has it")
    func writesStandings() throws {
        let standing = RateStanding(kind: .requests, limit: 100, remaining: 42, resetSeconds: 7)
        #expect(written { standing.writeRateLimit(to: &$0) } == #""requests";r=42;t=7"#)
    }
}

private final class Counts: Sendable {
    private let counts: Locked<[Int]>

    init(_ count: Int) { counts = Locked(Array(repeating: 0, count: count)) }

    func set(_ index: Int, _ count: Int) { counts.withLock { $0[index] = count } }

    var sum: Int { counts.withLock { $0.reduce(0, +) } }
}
