import Arenas
import Testing

/// How leases get their arenas, and what bounds them.
@Suite struct ArenaPoolTests {
    @Test("an arena that came back is leased again, at the same cost: nothing")
    func leasesLocally() throws {
        let pool = ArenaPool()
        let local = pool.makeLocal()
        for _ in 0..<100 {
            let lease = try local.acquire(expectedBytes: 100)
            try take(1000, from: lease.arena)
            #expect(lease.usedBytes == 1000)
        }
        let statistics = pool.statistics()
        #expect(statistics.acquiresCreated == 1)
        #expect(statistics.acquiresLocal == 99)
        #expect(statistics.releasesLocal == 100)
        #expect(statistics.chunkAllocations == 1)
        #expect(statistics.reservedBytes == 16 * 1024)
    }

    @Test("a lease ends on every way out: return, throw, end, overwrite")
    func leasesEndOnEveryPath() throws {
        struct Stop: Error {}
        struct Connection: ~Copyable { var lease: ArenaLease? }
        let pool = ArenaPool()
        let local = pool.makeLocal()
        func work(failing: Bool) throws {
            let lease = try local.acquire(expectedBytes: 0)
            try take(10, from: lease.arena)
            if failing { throw Stop() }
        }
        try work(failing: false)
        #expect(pool.statistics().inUse == 0)
        #expect(throws: Stop.self) { try work(failing: true) }
        #expect(pool.statistics().inUse == 0)
        let lease = try local.acquire(expectedBytes: 0)
        #expect(pool.statistics().inUse == 1)
        lease.end()
        #expect(pool.statistics().inUse == 0)

        var connection = Connection(lease: try local.acquire(expectedBytes: 0))
        #expect(pool.statistics().inUse == 1)
        if let taken = connection.lease.take() {
            #expect(pool.statistics().inUse == 1)
            try take(10, from: taken.arena)
            connection.lease = consume taken
        }
        connection.lease = nil
        #expect(pool.statistics().inUse == 0)
        #expect(pool.statistics().capacity == 1)
    }

    @Test("a loop's list full, arenas go to the overflow; that full, they are freed")
    func overflows() throws {
        let pool = ArenaPool(configuration: .init(localCapacity: 1, sharedCapacity: 1))
        let local = pool.makeLocal()
        let first = try local.acquire(expectedBytes: 0)
        let second = try local.acquire(expectedBytes: 0)
        let third = try local.acquire(expectedBytes: 0)
        #expect(pool.statistics().inUse == 3)
        first.end()
        second.end()
        third.end()
        var statistics = pool.statistics()
        #expect(statistics.releasesLocal == 1)
        #expect(statistics.releasesShared == 1)
        #expect(statistics.releasesFreed == 1)
        #expect(statistics.idle == 2)
        #expect(statistics.idleBytes == 2 * 16 * 1024)
        #expect(statistics.reservedBytes == 2 * 16 * 1024)

        // Another loop takes it from there.
        let other = pool.makeLocal()
        let taken = try other.acquire(expectedBytes: 0)
        statistics = pool.statistics()
        #expect(statistics.acquiresShared == 1)
        #expect(statistics.idle == 1)
        #expect(statistics.inUse == 1)
        #expect(statistics.acquiresCreated == 3)
        taken.end()
        #expect(other.idleCount == 1)
    }

    @Test("what a request announces fits in one piece", arguments: [100, 20_000, 300_000])
    func preparesForExpectedBytes(byteCount: Int) throws {
        let pool = ArenaPool(configuration: .init(localCapacity: 1))
        let local = pool.makeLocal()
        // Newly made, from the local list, and from the overflow.
        for _ in 0..<3 {
            let lease = try local.acquire(expectedBytes: byteCount)
            let small = try local.acquire(expectedBytes: 0)
            let reserved = lease.reservedBytes
            try take(byteCount, from: lease.arena)
            #expect(lease.reservedBytes == reserved)
            #expect(lease.usedBytes == byteCount)
            lease.end()
            small.end()
        }
        let statistics = pool.statistics()
        #expect(statistics.acquiresLocal == 2)
        #expect(statistics.acquiresShared == 2)
    }

    @Test("more than an arena's cap is prepared for as the cap")
    func expectsTheCapAtMost() throws {
        let pool = ArenaPool(configuration: .init(maximumBytes: 1 << 20))
        let local = pool.makeLocal()
        for _ in 0..<2 {
            let lease = try local.acquire(expectedBytes: .max)
            #expect(lease.reservedBytes == 1 << 20)
        }
    }

    @Test("over the cap a leased arena refuses, and comes back good")
    func capsLeasedArenas() throws {
        let pool = ArenaPool(configuration: .init(maximumBytes: 64 * 1024))
        let local = pool.makeLocal()
        for _ in 0..<2 {
            let lease = try local.acquire(expectedBytes: 0)
            let error = thrown(ArenaError.self) { () throws(ArenaError) in try take(70_000, from: lease.arena) }
            #expect(error == .capExceeded(limitBytes: 64 * 1024))
            try take(1000, from: lease.arena)
        }
    }

    // MARK: The budget

    @Test("no lease beyond the budget; one that ends makes room")
    func refusesBeyondTheBudget() throws {
        let pool = ArenaPool(configuration: .init(budgetBytes: 2 * 16 * 1024))
        let local = pool.makeLocal()
        let first = try local.acquire(expectedBytes: 0)
        let second = try local.acquire(expectedBytes: 0)
        #expect(throws: ArenaPoolError.budgetExhausted) { _ = try local.acquire(expectedBytes: 0).usedBytes }
        #expect(pool.statistics().acquireFailuresBudget == 1)
        #expect(pool.statistics().inUse == 2)
        first.end()
        let third = try local.acquire(expectedBytes: 0)
        #expect(pool.reservedBytes == 2 * 16 * 1024)
        second.end()
        third.end()
    }

    @Test("leases that wait for a peer leave a quarter of the budget to those that do not")
    func lastingLeasesTakeTheirPart() throws {
        let pool = ArenaPool(configuration: .init(localCapacity: 0, sharedCapacity: 0, budgetBytes: 8 * 16 * 1024))
        let local = pool.makeLocal()
        var lasting: [Holder] = []
        for _ in 0..<6 { lasting.append(Holder(try local.acquire(expectedBytes: 0, isLasting: true))) }
        #expect(throws: ArenaPoolError.budgetExhausted) {
            _ = try local.acquire(expectedBytes: 0, isLasting: true).usedBytes
        }
        let first = try local.acquire(expectedBytes: 0)
        let second = try local.acquire(expectedBytes: 0)
        first.end()
        second.end()
        lasting.removeLast()
        let again = try local.acquire(expectedBytes: 0, isLasting: true)
        again.end()
    }

    @Test("idle arenas of others do not let leases that wait take more")
    func lastingLeasesDoNotGrowByIdleArenas() throws {
        let pool = ArenaPool(configuration: .init(localCapacity: 8, budgetBytes: 8 * 16 * 1024))
        let local = pool.makeLocal()
        var others: [Holder] = []
        for _ in 0..<8 { others.append(Holder(try local.acquire(expectedBytes: 0))) }
        others = []
        #expect(local.idleCount == 8)
        var lasting: [Holder] = []
        while let lease = try? local.acquire(expectedBytes: 0, isLasting: true) { lasting.append(Holder(lease)) }
        #expect(lasting.count == 6)
        lasting = []
        // What was refused came back to the idle.
        #expect(pool.statistics().inUse == 0)
    }

    @Test("a lease that waits grows within the same part, and gives all of it back")
    func lastingLeasesGrowWithinTheirPart() throws {
        let pool = ArenaPool(configuration: .init(budgetBytes: 512 * 1024))
        let local = pool.makeLocal()
        for _ in 0..<2 {
            let lease = try local.acquire(expectedBytes: 0, isLasting: true)
            let error = thrown(ArenaError.self) { () throws(ArenaError) in
                while true { try take(7000, from: lease.arena) }
            }
            #expect(error == .budgetExhausted)
            #expect(lease.usedBytes > 256 * 1024 && lease.usedBytes <= 384 * 1024)
            lease.end()
        }
    }

    @Test("an idle arena that cannot be made large enough stays idle")
    func refusesExpectedBytesBeyondTheBudget() throws {
        let pool = ArenaPool(configuration: .init(localCapacity: 1, budgetBytes: 64 * 1024))
        let local = pool.makeLocal()
        try local.acquire(expectedBytes: 0).end()
        // From the list of this loop, as a new arena, and from the overflow.
        for _ in 0..<2 {
            #expect(throws: ArenaPoolError.budgetExhausted) { _ = try local.acquire(expectedBytes: 70_000).usedBytes }
            let kept = try local.acquire(expectedBytes: 0)
            #expect(throws: ArenaPoolError.budgetExhausted) { _ = try local.acquire(expectedBytes: 70_000).usedBytes }
            let another = try local.acquire(expectedBytes: 0)
            kept.end()
            another.end()
        }
        #expect(pool.statistics().acquireFailuresBudget == 4)
        #expect(pool.statistics().inUse == 0)
        #expect(pool.reservedBytes <= 64 * 1024)
    }

    @Test("growing stops at the budget, and takes what is needed where doubling does not fit")
    func growsWithinTheBudget() throws {
        let pool = ArenaPool(configuration: .init(budgetBytes: 60 * 1024))
        let local = pool.makeLocal()
        let lease = try local.acquire(expectedBytes: 0)
        let error = thrown(ArenaError.self) { () throws(ArenaError) in
            while true { try take(7000, from: lease.arena) }
        }
        #expect(error == .budgetExhausted)
        #expect(lease.usedBytes > 45 * 1024)
        #expect(pool.reservedBytes <= 60 * 1024)
        #expect(pool.statistics().growthFailures == 1)
        lease.end()
        #expect(pool.reservedBytes <= 60 * 1024)
        #expect(try local.acquire(expectedBytes: 0).usedBytes == 0)
    }

    @Test("idle arenas are given up before anybody is refused")
    func reclaimsIdleArenas() throws {
        let pool = ArenaPool(configuration: .init(localCapacity: 2, budgetBytes: 4 * 16 * 1024))
        let local = pool.makeLocal()
        do {
            let a = try local.acquire(expectedBytes: 0)
            let b = try local.acquire(expectedBytes: 0)
            let c = try local.acquire(expectedBytes: 0)
            let d = try local.acquire(expectedBytes: 0)
            #expect(a.usedBytes + b.usedBytes + c.usedBytes + d.usedBytes == 0)
        }
        #expect(pool.statistics().idle == 4)
        let lease = try local.acquire(expectedBytes: 60_000)
        #expect(lease.reservedBytes > 60_000)
        #expect(pool.statistics().idle == 0)
        #expect(pool.statistics().idleFreed == 3)
    }

    @Test("where one loop went without, the others give up what they keep idle at their next trim")
    func relievesPressure() throws {
        let pool = ArenaPool(configuration: .init(budgetBytes: 2 * 16 * 1024))
        let idle = pool.makeLocal()
        let busy = pool.makeLocal()
        idle.trim(nowSeconds: 100)
        do {
            let a = try idle.acquire(expectedBytes: 0)
            let b = try idle.acquire(expectedBytes: 0)
            #expect(a.usedBytes + b.usedBytes == 0)
        }
        #expect(throws: ArenaPoolError.budgetExhausted) { _ = try busy.acquire(expectedBytes: 0).usedBytes }
        idle.trim(nowSeconds: 101)
        #expect(idle.idleCount == 0)
        #expect(try busy.acquire(expectedBytes: 0).usedBytes == 0)
    }

    @Test("memory the system does not have is refused like a used-up budget")
    func refusesWhatTheSystemLacks() throws {
        let pool = ArenaPool(configuration: .init(maximumBytes: 1 << 60, budgetBytes: 1 << 61))
        let local = pool.makeLocal()
        #expect(throws: ArenaPoolError.budgetExhausted) { _ = try local.acquire(expectedBytes: 1 << 58).usedBytes }
        let lease = try local.acquire(expectedBytes: 0)
        let error = thrown(ArenaError.self) { () throws(ArenaError) in try take(1 << 58, from: lease.arena) }
        #expect(error == .budgetExhausted)
        lease.end()
        #expect(throws: ArenaPoolError.budgetExhausted) { _ = try local.acquire(expectedBytes: 1 << 58).usedBytes }
        #expect(pool.reservedBytes <= 2 * 16 * 1024)
    }

    // MARK: The end

    @Test("a lease outlives its local pool and its pool, and gives all back when it ends")
    func leaseOutlivesItsPool() throws {
        let pool = ArenaPool()
        var local: LocalArenaPool? = pool.makeLocal()
        let other = pool.makeLocal()
        let lease = try #require(local).acquire(expectedBytes: 0)
        try #require(local).acquire(expectedBytes: 0).end()
        local = nil
        #expect(pool.statistics().inUse == 1)
        #expect(pool.statistics().idle == 0)
        try take(100_000, from: lease.arena)
        lease.end()
        let statistics = pool.statistics()
        #expect(statistics.inUse == 0)
        #expect(statistics.reservedBytes == 0)
        #expect(statistics.acquiresCreated == 2, "what it counted stays in the sum")
        #expect(statistics.releasesFreed == 1)
        #expect(statistics.idleFreed == 1)
        #expect(other.idleCount == 0)
    }

    @Test("local pools leave the list in any order")
    func localPoolsEndInAnyOrder() throws {
        let pool = ArenaPool()
        var locals = (0..<3).map { _ in pool.makeLocal() }
        for local in locals { try local.acquire(expectedBytes: 0).end() }
        for index in [1, 1, 0] {
            locals.remove(at: index)
            #expect(pool.statistics().acquiresCreated == 3)
            #expect(pool.statistics().idle == locals.count)
        }
        #expect(pool.reservedBytes == 0)
    }

    @Test("a pool that ends frees its overflow")
    func poolEnds() throws {
        weak var gone: ArenaPool?
        do {
            let pool = ArenaPool(configuration: .init(localCapacity: 0))
            gone = pool
            let local = pool.makeLocal()
            try local.acquire(expectedBytes: 0).end()
            #expect(local.idleCount == 0)
            #expect(pool.statistics().idle == 1)
        }
        #expect(gone == nil)
    }
}

/// Keeps a lease until it is let go of, as a loop does between the pieces of a body.
private final class Holder {
    private var lease: ArenaLease?
    init(_ lease: consuming ArenaLease) { self.lease = consume lease }
}
