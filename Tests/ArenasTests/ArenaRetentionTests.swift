import Arenas
import Testing

/// What idle arenas keep: what recent requests took, and not for ever. Time is handed in.
@Suite struct ArenaRetentionTests {
    private let pool = ArenaPool(configuration: .init(idleSeconds: 30, fadeSeconds: 10))

    private func serve(_ byteCount: Int, times: Int, from local: LocalArenaPool) throws {
        for _ in 0..<times {
            let lease = try local.acquire(expectedBytes: 0)
            var left = byteCount
            while left > 0 {
                try take(min(left, 8000), from: lease.arena)
                left -= 8000
            }
        }
    }

    @Test("a steady load of larger requests allocates nothing more")
    func retainsWhatSteadyWorkTakes() throws {
        let local = pool.makeLocal()
        local.trim(nowSeconds: 1)
        try serve(64_000, times: 10, from: local)
        let before = pool.statistics()
        try serve(64_000, times: 1000, from: local)
        local.trim(nowSeconds: 2)
        try serve(64_000, times: 1000, from: local)
        #expect(pool.statistics().chunkAllocations == before.chunkAllocations)
        #expect(local.retainTargetBytes >= 64_000)
        #expect(local.retainTargetBytes < 96_000)
        #expect(pool.statistics().retainTargetBytes == local.retainTargetBytes)
    }

    @Test("one giant request among small ones leaves nothing behind")
    func forgetsOneGiant() throws {
        let local = pool.makeLocal()
        local.trim(nowSeconds: 1)
        try serve(200, times: 1000, from: local)
        let before = pool.reservedBytes
        try serve(900 * 1024, times: 1, from: local)
        #expect(pool.reservedBytes == before)
        #expect(pool.statistics().releasesTrimmed == 1)
        // The same where it announced itself and stood in one piece.
        try local.acquire(expectedBytes: 900 * 1024).end()
        #expect(pool.reservedBytes == before)
    }

    @Test("a giant request that comes first is forgotten within a minute")
    func forgetsAGiantThatCameFirst() throws {
        let local = pool.makeLocal()
        local.trim(nowSeconds: 1)
        try serve(900 * 1024, times: 1, from: local)
        #expect(pool.reservedBytes == 256 * 1024, "retained up to the cap: all that is known asks for it")
        for second in 2...61 { local.trim(nowSeconds: second) }
        #expect(pool.reservedBytes == 16 * 1024)
        #expect(local.retainTargetBytes == 16 * 1024)
    }

    @Test("a load that turned small shrinks what is retained")
    func followsTheLoadDown() throws {
        let local = pool.makeLocal()
        local.trim(nowSeconds: 1)
        try serve(100_000, times: 500, from: local)
        #expect(local.retainTargetBytes > 100_000)
        for second in 2...120 {
            try serve(200, times: 100, from: local)
            local.trim(nowSeconds: second)
        }
        #expect(local.retainTargetBytes == 16 * 1024)
        #expect(pool.reservedBytes == 16 * 1024)
    }

    @Test("a long silence forgets everything at once")
    func forgetsAfterALongSilence() throws {
        let local = pool.makeLocal()
        local.trim(nowSeconds: 1)
        try serve(100_000, times: 500, from: local)
        local.trim(nowSeconds: 1_000_000_000)
        #expect(local.retainTargetBytes == 16 * 1024)
        #expect(pool.reservedBytes == 16 * 1024)
    }

    @Test("many requests in one second do not hide a change of load")
    func followsTheLoadUpWithinASecond() throws {
        let local = pool.makeLocal()
        local.trim(nowSeconds: 1)
        try serve(200, times: 100_000, from: local)
        try serve(50_000, times: 900, from: local)
        #expect(local.retainTargetBytes > 50_000)
    }

    private func leaseThree(from local: LocalArenaPool) throws {
        let a = try local.acquire(expectedBytes: 0)
        let b = try local.acquire(expectedBytes: 0)
        let c = try local.acquire(expectedBytes: 0)
        #expect(a.usedBytes + b.usedBytes + c.usedBytes == 0)
    }

    @Test("arenas idle too long are freed, but for the last")
    func freesIdleArenas() throws {
        let local = pool.makeLocal()
        try leaseThree(from: local)
        local.trim(nowSeconds: 1000)
        #expect(local.idleCount == 3, "idleness counts from the first tick")
        local.trim(nowSeconds: 1029)
        #expect(local.idleCount == 3)
        try local.acquire(expectedBytes: 0).end()
        local.trim(nowSeconds: 1030)
        #expect(local.idleCount == 1)
        #expect(pool.reservedBytes == 16 * 1024)
        #expect(pool.statistics().idleFreed == 2)
        local.trim(nowSeconds: 5000)
        #expect(local.idleCount == 1)
    }

    @Test("the overflow is trimmed too")
    func trimsTheOverflow() throws {
        let pool = ArenaPool(configuration: .init(localCapacity: 1, idleSeconds: 30))
        let local = pool.makeLocal()
        local.trim(nowSeconds: 10)
        try leaseThree(from: local)
        #expect(pool.statistics().idle == 3)
        local.trim(nowSeconds: 39)
        #expect(pool.statistics().idle == 3)
        local.trim(nowSeconds: 40)
        #expect(pool.statistics().idle == 1)
        #expect(pool.statistics().idleFreed == 2)
        #expect(pool.reservedBytes == 16 * 1024)
        pool.trim(nowSeconds: 40)
        #expect(pool.statistics().idle == 1)
    }

    @Test("an arena larger than the target shrinks while it is idle")
    func shrinksIdleArenas() throws {
        let local = pool.makeLocal()
        local.trim(nowSeconds: 1)
        try serve(200, times: 500, from: local)
        // Within twice the target: kept as it comes back.
        try local.acquire(expectedBytes: 30_000).end()
        #expect(pool.reservedBytes > 30_000)
        local.trim(nowSeconds: 2)
        #expect(pool.reservedBytes == 16 * 1024)
        #expect(pool.statistics().idleBytes == 16 * 1024)
    }
}
