import Arenas
import Testing

@Suite struct ArenaBufferTests {
    @Test("what is appended comes out in order")
    func appends() throws {
        let arena = ScopedArena()
        var buffer = ArenaBuffer(in: arena, capacity: 4)
        buffer.append(0x61)
        buffer.append(contentsOf: ([0x62, 0x63] as [UInt8]).span)
        buffer.append("defgh")
        buffer.append(contentsOf: [UInt8]().span)
        #expect(buffer.count == 8)
        #expect(try buffer.finish().array == Array("abcdefgh".utf8))
    }

    @Test("the newest buffer grows where it stands")
    func growsInPlace() throws {
        let arena = ScopedArena()
        var buffer = ArenaBuffer(in: arena, capacity: 16)
        for _ in 0..<4000 { buffer.append(1) }
        #expect(try buffer.finish().count == 4000)
        #expect(arena.usedBytes < 8192)
    }

    @Test("a buffer that has to move takes its bytes along")
    func movesWithItsBytes() throws {
        let arena = ScopedArena(limits: .init(initialBytes: 1024))
        var buffer = ArenaBuffer(in: arena, capacity: 16)
        for index in 0..<10_000 {
            buffer.append(UInt8(truncatingIfNeeded: index))
            if index % 100 == 0 { try take(1, from: arena) }
        }
        let bytes = try buffer.finish()
        #expect(bytes.array == (0..<10_000).map { UInt8(truncatingIfNeeded: $0) })
    }

    @Test("running into the cap is told at the end")
    func remembersTheCap() throws {
        let arena = ScopedArena(limits: .init(initialBytes: 1024, maximumBytes: 4096))
        var buffer = ArenaBuffer(in: arena, capacity: 16)
        for _ in 0..<5000 { buffer.append(1) }
        buffer.append("more")
        buffer.append(contentsOf: ([1, 2] as [UInt8]).span)
        var error: ArenaError?
        do throws(ArenaError) { _ = try buffer.finish().count } catch let caught { error = caught }
        #expect(error == .capExceeded(limitBytes: 4096))
    }

    @Test("a buffer too large from the start says so at the end")
    func remembersTheCapFromTheStart() throws {
        let arena = ScopedArena(limits: .init(initialBytes: 1024, maximumBytes: 4096))
        var buffer = ArenaBuffer(in: arena, capacity: 5000)
        buffer.append(1)
        var error: ArenaError?
        do throws(ArenaError) { _ = try buffer.finish().count } catch let caught { error = caught }
        #expect(error == .capExceeded(limitBytes: 4096))
    }
}
