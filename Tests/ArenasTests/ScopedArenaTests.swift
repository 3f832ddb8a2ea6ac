import Arenas
import Testing

@Suite struct ScopedArenaTests {
    // MARK: Allocation

    @Test("what is allocated holds the value it was given")
    func allocatesAndInitializes() throws {
        let arena = ScopedArena()
        let numbers = try arena.allocate(repeating: UInt32(7), count: 100)
        #expect(numbers.count == 100)
        for index in numbers.indices { #expect(numbers[index] == 7) }
    }

    @Test("live views stand side by side")
    func viewsDoNotOverlap() throws {
        let arena = ScopedArena()
        var first = try arena.allocate(repeating: UInt8(1), count: 10)
        var second = try arena.allocate(repeating: UInt8(2), count: 10)
        first[9] = 3
        second[0] = 4
        #expect(first[9] == 3)
        #expect(second[0] == 4)
    }

    @Test("each element is aligned as its type asks")
    func alignsElements() throws {
        let arena = ScopedArena()
        for _ in 0..<20 {
            try take(1, from: arena)
            #expect(address(of: try arena.allocate(repeating: UInt64(0), count: 1)) % 8 == 0)
            try take(3, from: arena)
            #expect(address(of: try arena.allocate(repeating: SIMD16<UInt32>(), count: 1)) % 16 == 0)
        }
    }

    @Test("alignment holds across chunks")
    func alignsInGrownChunks() throws {
        let arena = ScopedArena(limits: .init(initialBytes: 256))
        for _ in 0..<100 {
            try take(5, from: arena)
            #expect(address(of: try arena.allocate(repeating: SIMD16<UInt32>(), count: 3)) % 16 == 0)
        }
    }

    @Test("nothing may be asked for")
    func allocatesNothing() throws {
        let arena = ScopedArena()
        #expect(try arena.allocate(repeating: UInt64(0), count: 0).isEmpty)
        #expect(arena.usedBytes == 0)
    }

    @Test("a copy holds the same bytes elsewhere")
    func copies() throws {
        let arena = ScopedArena()
        let source: [UInt8] = [1, 2, 3]
        let copy = try arena.copy(source.span)
        #expect(copy.array == source)
        #expect(address(of: copy) != address(of: source.span))
        #expect(try arena.copy([UInt8]().span).isEmpty)
    }

    @Test("a negative count traps")
    func trapsOnNegativeCount() async {
        await #expect(processExitsWith: .failure) {
            let arena = ScopedArena()
            _ = try arena.allocate(repeating: UInt8(0), count: -1).count
        }
    }

    // MARK: Growth and the cap

    @Test("used bytes are counted, alignment included")
    func countsUsedBytes() throws {
        let arena = ScopedArena()
        try take(3, from: arena)
        #expect(arena.usedBytes == 3)
        _ = try arena.allocate(repeating: UInt64(0), count: 2).count
        #expect(arena.usedBytes == 8 + 16)
        try take(20 * 1024, from: arena)
        #expect(arena.usedBytes == 8 + 16 + 20 * 1024)
    }

    @Test("chunks double, so that growth takes few steps")
    func growsExponentially() throws {
        let arena = ScopedArena(limits: .init(initialBytes: 1024, maximumBytes: 1 << 20))
        var sizes = [arena.reservedBytes]
        for _ in 0..<1000 {
            try take(512, from: arena)
            if arena.reservedBytes != sizes.last { sizes.append(arena.reservedBytes) }
        }
        #expect(sizes.first == 1024)
        #expect(sizes.count <= 11)
        #expect(zip(sizes, sizes.dropFirst()).allSatisfy { $1 >= $0 * 2 || $1 == 1 << 20 })
    }

    @Test("the cap is reached and never passed", arguments: [1 << 16, (1 << 20) + 7])
    func stopsAtTheCap(maximumBytes: Int) throws {
        let arena = ScopedArena(limits: .init(initialBytes: 8192, maximumBytes: maximumBytes))
        var taken = 0
        let error = thrown(ArenaError.self) { () throws(ArenaError) in
            while true {
                try take(1000, from: arena)
                taken += 1000
            }
        }
        #expect(error == .capExceeded(limitBytes: maximumBytes))
        #expect(arena.reservedBytes <= maximumBytes)
        #expect(taken > maximumBytes - 8192 - 1000 * 8)
    }

    @Test("what fits nowhere is refused, and the arena goes on", arguments: [1 << 20, 1 << 40, Int.max / 8, Int.max])
    func refusesTooMuch(count: Int) throws {
        let arena = ScopedArena(limits: .init(maximumBytes: 1 << 20))
        let error = thrown(ArenaError.self) { () throws(ArenaError) in
            _ = try arena.allocate(repeating: UInt64(0), count: count).count
        }
        #expect(error == .capExceeded(limitBytes: 1 << 20))
        try take(10_000, from: arena)
    }

    @Test("a cap below the first chunk holds for the first chunk")
    func capsTheFirstChunk() {
        let arena = ScopedArena(limits: .init(initialBytes: 16 * 1024, maximumBytes: 1024))
        #expect(arena.reservedBytes == 1024)
        #expect(thrown(ArenaError.self) { () throws(ArenaError) in try take(1024, from: arena) } != nil)
    }

    @Test("memory the system does not have is refused like a used-up budget")
    func refusesWhatTheSystemLacks() {
        let arena = ScopedArena(limits: .init(maximumBytes: 1 << 60))
        let error = thrown(ArenaError.self) { () throws(ArenaError) in try take(1 << 58, from: arena) }
        #expect(error == .budgetExhausted)
    }

    // MARK: Reset

    @Test("a reset makes all room free again")
    func resetFreesRoom() throws {
        var arena = ScopedArena(limits: .init(maximumBytes: 64 * 1024))
        for _ in 0..<100 {
            try take(10_000, from: arena)
            arena.reset()
            #expect(arena.usedBytes == 0)
        }
        #expect(arena.reservedBytes == 16 * 1024)
    }

    @Test("chunks an arena grew by become one, so that the same work needs no more")
    func resetCoalesces() throws {
        var arena = ScopedArena()
        for _ in 0..<8 { try take(10_000, from: arena) }
        let grown = arena.reservedBytes
        arena.reset()
        #expect(arena.reservedBytes == grown)
        // One piece of nearly all of it fits: there is one chunk.
        try take(grown - chunkOverheadBytes, from: arena)
        #expect(arena.reservedBytes == grown)
    }

    @Test("a reset keeps no more than it is told to retain")
    func resetRetainsUpToTheTarget() throws {
        var arena = ScopedArena(limits: .init(retainedBytes: 64 * 1024))
        for _ in 0..<30 { try take(30_000, from: arena) }
        arena.reset()
        #expect(arena.reservedBytes == 64 * 1024)
        try take(40_000, from: arena)
        arena.reset(retaining: 32 * 1024)
        #expect(arena.reservedBytes == 32 * 1024)
        arena.reset(retaining: 0)
        #expect(arena.reservedBytes == 16 * 1024)
    }

    @Test("where the newest chunk has the right size it stays")
    func resetKeepsAFittingChunk() throws {
        var arena = ScopedArena(limits: .init(initialBytes: 8192))
        try take(8000, from: arena)
        try take(8000, from: arena)
        #expect(arena.reservedBytes == 16 * 1024)
        arena.reset(retaining: 8192)
        #expect(arena.reservedBytes == 8192)
        try take(8000, from: arena)
    }
}
