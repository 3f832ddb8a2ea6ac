import Arenas
import Glibc
import Testing

#if DEBUG
    private let isDebugBuild = true
#else
    private let isDebugBuild = false
#endif

private let hasAddressSanitizer = unsafe dlsym(nil, "__asan_poison_memory_region") != nil

/// Reads a byte as a stray pointer would: past everything the compiler checks.
@inline(never)
private func strayByte(at address: UInt) -> UInt8 {
    guard let pointer = unsafe UnsafePointer<UInt8>(bitPattern: address) else { return 0 }
    return unsafe pointer.pointee
}

/// Dead memory is recognisable in debug builds, and reading it is fatal under AddressSanitizer.
@Suite struct PoisonTests {
    @Test("after a reset a byte reads as poison, and goes on doing so for two more uses", .enabled(if: isDebugBuild))
    func deadBytesArePoison() throws {
        var arena = ScopedArena()
        let stray = try take(100, from: arena) + 50
        #expect(strayByte(at: stray) == 0x41)
        arena.reset()
        for _ in 0..<2 {
            #expect(strayByte(at: stray) == 0xDD)
            #expect(try take(100, from: arena) + 50 != stray, "the chunk rests")
            arena.reset()
        }
        #expect(try take(100, from: arena) + 50 == stray, "it rested long enough")
    }

    @Test("a lease's memory is poison once it ended", .enabled(if: isDebugBuild))
    func endedLeasesArePoison() throws {
        let pool = ArenaPool()
        let local = pool.makeLocal()
        let lease = try local.acquire(expectedBytes: 0)
        let stray = try take(100, from: lease.arena)
        lease.end()
        #expect(strayByte(at: stray) == 0xDD)
        #expect(pool.statistics().reservedBytes == 16 * 1024, "what rests is not counted")
    }

    @Test("chunks of another size do not come back from rest", .enabled(if: isDebugBuild))
    func restsChunksOfAllSizes() throws {
        var arena = ScopedArena()
        for round in 1..<20 {
            try take(round * 10_000, from: arena)
            arena.reset(retaining: round * 10_000)
            #expect(arena.reservedBytes <= max(round * 10_000 + 4096, 16 * 1024))
        }
    }

    @Test(
        "without debugging or a sanitizer memory is used again at once",
        .enabled(if: !isDebugBuild && !hasAddressSanitizer))
    func reusesAtOnceInRelease() throws {
        var arena = ScopedArena()
        let first = try take(100, from: arena)
        arena.reset()
        #expect(try take(100, from: arena) == first)
    }

    // Only optimized builds: there a read through a pointer is instrumented where it happens.
    @Test("AddressSanitizer reports a read after reset", .enabled(if: !isDebugBuild && hasAddressSanitizer))
    func sanitizerReportsAfterReset() async throws {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            var arena = ScopedArena()
            let stray = try take(100, from: arena)
            arena.reset()
            print(strayByte(at: stray))
        }
        let report = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
        #expect(report.contains("use-after-poison"))
    }

    @Test("AddressSanitizer reports a read after a lease", .enabled(if: !isDebugBuild && hasAddressSanitizer))
    func sanitizerReportsAfterLease() async throws {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let pool = ArenaPool()
            let local = pool.makeLocal()
            let lease = try local.acquire(expectedBytes: 0)
            let stray = try take(100, from: lease.arena)
            lease.end()
            print(strayByte(at: stray))
            try local.acquire(expectedBytes: 0).end()
        }
        let report = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
        #expect(report.contains("use-after-poison"))
    }
}
