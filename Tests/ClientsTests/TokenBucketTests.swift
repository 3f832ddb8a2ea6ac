import Testing

@testable import Clients

@Suite struct TokenBucketTests {
    private static let second: UInt64 = 1_000_000_000

    @Test("a new bucket holds the burst, and a token comes back in its time, to the nanosecond")
    func refills() throws {
        let limit = try rate("10/s:3")
        var bucket = TokenBucket()
        for _ in 0..<3 { #expect(bucket.take(1, of: limit, at: 5) == 0) }
        #expect(bucket.take(1, of: limit, at: 5) == 100_000_000)
        #expect(bucket.take(1, of: limit, at: 100_000_004) == 1)
        #expect(bucket.take(1, of: limit, at: 100_000_005) == 0)
        #expect(bucket.take(1, of: limit, at: 100_000_005) == 100_000_000)
        #expect(bucket.remaining(of: limit, at: 300_000_005) == 2)
        #expect(bucket.fullAfterNanoseconds(of: limit, at: 300_000_005) == 100_000_000)
        #expect(bucket.remaining(of: limit, at: .max) == 3)
    }

    @Test("what is refused takes nothing")
    func refusalsAreFree() throws {
        let limit = try rate("10/s:5")
        var bucket = TokenBucket()
        #expect(bucket.take(4, of: limit, at: 0) == 0)
        #expect(bucket.take(2, of: limit, at: 0) > 0)
        #expect(bucket.take(1, of: limit, at: 0) == 0)
    }

    @Test("a cost above the burst waits for a full bucket, and what it took too much is regained first")
    func largeCosts() throws {
        let limit = try rate("10/s")
        var bucket = TokenBucket()
        #expect(bucket.take(35, of: limit, at: 0) == 0)
        #expect(bucket.take(1, of: limit, at: 0) == Self.second * 26 / 10)
        #expect(bucket.take(35, of: limit, at: 0) == Self.second * 35 / 10)
        #expect(bucket.take(.max, of: limit, at: 4 * Self.second) == 0)
        #expect(bucket.take(.max, of: limit, at: 4 * Self.second) > 1 << 40)
    }

    @Test("time that goes back gives nothing and takes nothing")
    func timeGoesBack() throws {
        let limit = try rate("10/s:2")
        var bucket = TokenBucket()
        #expect(bucket.take(2, of: limit, at: Self.second) == 0)
        #expect(bucket.take(1, of: limit, at: 0) == 100_000_000)
        for _ in 0..<100 {
            #expect(bucket.take(1, of: limit, at: Self.second - 50_000_000) == 100_000_000)
            #expect(bucket.take(1, of: limit, at: Self.second) == 100_000_000)
        }
        #expect(bucket.take(1, of: limit, at: Self.second + 100_000_000) == 0)
    }

    @Test(
        "however often one looks, over a long time exactly the rate comes through",
        arguments: ["7/s:1", "1000/s:10", "3/m:2", "1000003/h:5", "333/d:1"])
    func doesNotDrift(text: String) throws {
        let limit = try rate(text)
        var bucket = TokenBucket()
        var numbers = SeededNumbers(state: 6)
        var now: UInt64 = 0
        var taken: UInt64 = 0
        let step = limit.periodSeconds * Self.second / limit.tokens / 2
        for _ in 0..<100_000 {
            now += numbers.next() % (2 * step / 100 + 1)
            if bucket.take(1, of: limit, at: now) == 0 { taken += 1 }
        }
        // The burst at once, then a token whenever its time is full: no more, and, as one looks often, hardly fewer.
        let (high, low) = now.multipliedFullWidth(by: limit.tokens)
        let most = limit.burst + (limit.periodSeconds * Self.second).dividingFullWidth((high, low)).quotient
        #expect(taken <= most && taken + 1 + most / 25 >= most, "\(taken) of \(most)")
        let remaining = bucket.remaining(of: limit, at: now)
        #expect(remaining <= limit.burst && taken + remaining <= most)
    }

    /// A bucket as one would write it with numbers of any size: gain and cost over a common denominator, step by step.
    private struct Simulation {
        let limit: RateLimit
        var level: UInt128
        var last: UInt64 = 0

        private var token: UInt128 { UInt128(limit.periodSeconds) * 1_000_000_000 }
        private var full: UInt128 { UInt128(limit.burst) * token }
        private var debt: UInt128 = 0

        init(_ limit: RateLimit) {
            self.limit = limit
            level = UInt128(limit.burst) * UInt128(limit.periodSeconds) * 1_000_000_000
        }

        mutating func take(_ tokens: UInt64, at now: UInt64) -> UInt64 {
            if now > last {
                var gain = UInt128(now - last) * UInt128(limit.tokens)
                last = now
                let paid = min(gain, debt)
                debt -= paid
                gain -= paid
                level = min(full, level + gain)
            }
            let needed = min(UInt128(tokens) * token, full)
            let missing = debt + (level < needed ? needed - level : 0)
            if missing > 0 || debt > 0 {
                let rate = UInt128(limit.tokens)
                return UInt64((missing + rate - 1) / rate)
            }
            let cost = UInt128(tokens) * token
            debt = cost > level ? cost - level : 0
            level = cost > level ? 0 : level - cost
            return 0
        }
    }

    @Test(
        "it does what a simulation with numbers of any size does",
        arguments: ["1/s", "7/s:20", "1000/m:3", "6007/m", "1/d", "10000019/s:64", "999983/h:1000", "1073741824/h"])
    func agreesWithASimulation(text: String) throws {
        let limit = try rate(text)
        var numbers = SeededNumbers(state: 8)
        var bucket = TokenBucket()
        var simulation = Simulation(limit)
        let period = limit.periodSeconds * Self.second
        var now: UInt64 = 0
        var refused = 0
        for step in 0..<20_000 {
            switch numbers.next() % 8 {
            case 0: now += numbers.next() % (period * 2)
            case 1: now -= min(now, numbers.next() % 1000)
            case 2: break
            default: now += numbers.next() % (period / limit.tokens + 2)
            }
            let tokens = numbers.next() % 10 == 0 ? numbers.next() % (limit.burst * 3) : numbers.next() % 3
            let wait = bucket.take(tokens, of: limit, at: now)
            let expected = simulation.take(tokens, at: now)
            if wait != expected {
                Issue.record("step \(step): \(wait) for \(expected) ns")
                return
            }
            if wait > 0 { refused += 1 }
        }
        #expect(refused > 100)
    }
}
