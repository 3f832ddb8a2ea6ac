import Arenas
import Synchronization
import Testing

@Suite struct ArenaPoolStatisticsTests {
    @Test("what a loop counts for itself appears in the sum")
    func countsByHand() {
        let pool = ArenaPool()
        let first = pool.makeLocal()
        let second = pool.makeLocal()
        first.countOversizeRejection()
        second.countOversizeRejection()
        first.countPromoted(copyBytes: 100, internBytes: 7)
        second.countPromoted(copyBytes: 11, internBytes: 0)
        let statistics = pool.statistics()
        #expect(statistics.oversizeRejections == 2)
        #expect(statistics.promotedCopyBytes == 111)
        #expect(statistics.promotedInternBytes == 7)
    }

    @Test("a new pool holds nothing, and tells its first target")
    func startsEmpty() {
        let pool = ArenaPool(configuration: .init(initialBytes: 8192))
        #expect(pool.statistics() == ArenaPool().statistics())
        let local = pool.makeLocal()
        #expect(pool.statistics().retainTargetBytes == 8192)
        #expect(local.retainTargetBytes == 8192)
        #expect(pool.reservedBytes == 0)
    }

    private final class Tally: Sendable {
        let granted = Atomic<Int>(0)
        let refused = Atomic<Int>(0)
    }

    @Test("with loops on several threads every lease is counted once, and no byte is lost")
    func isExactUnderConcurrency() async throws {
        let pool = ArenaPool(
            configuration: .init(localCapacity: 1, sharedCapacity: 2, budgetBytes: 512 * 1024, idleSeconds: 2))
        let rounds = 2000
        let tally = Tally()
        await withTaskGroup(of: Void.self) { group in
            for seed in 0..<4 {
                group.addTask {
                    let local = pool.makeLocal()
                    for round in 0..<rounds {
                        do throws(ArenaPoolError) {
                            let first = try local.acquire(expectedBytes: 0)
                            tally.granted.add(1, ordering: .relaxed)
                            let second = try local.acquire(expectedBytes: (round * 37 + seed) % 40_000)
                            tally.granted.add(1, ordering: .relaxed)
                            _ = thrown(ArenaError.self) { () throws(ArenaError) in
                                try take((round * 101) % 60_000, from: second.arena)
                            }
                            #expect(first.usedBytes == 0)
                        } catch {
                            tally.refused.add(1, ordering: .relaxed)
                        }
                        if round % 50 == 0 { local.trim(nowSeconds: round / 50) }
                        #expect(pool.reservedBytes <= 512 * 1024)
                    }
                }
            }
            // Somebody who scrapes while they work.
            group.addTask {
                for _ in 0..<200 {
                    let statistics = pool.statistics()
                    #expect(statistics.inUse >= 0 && statistics.idle >= 0)
                }
            }
        }
        let statistics = pool.statistics()
        let acquires = statistics.acquiresLocal + statistics.acquiresShared + statistics.acquiresCreated
        let releases =
            statistics.releasesLocal + statistics.releasesShared + statistics.releasesTrimmed
            + statistics.releasesFreed
        #expect(acquires == tally.granted.load(ordering: .relaxed))
        #expect(releases == acquires)
        #expect(statistics.acquireFailuresBudget == tally.refused.load(ordering: .relaxed))
        #expect(statistics.inUse == 0)
        #expect(
            statistics.acquiresCreated == statistics.releasesFreed + statistics.idleFreed + statistics.idle,
            "every arena made is idle or was freed")
        #expect(statistics.reservedBytes == statistics.idleBytes)
    }
}
