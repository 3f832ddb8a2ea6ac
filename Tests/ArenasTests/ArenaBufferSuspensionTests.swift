import Arenas
import Testing

/// A buffer laid aside while a request waits for the rest of its body.
@Suite struct ArenaBufferSuspensionTests {
    private func suspended(in arena: borrowing ScopedArena) throws -> ArenaBuffer.Suspended {
        var buffer = ArenaBuffer(in: arena, capacity: 4)
        buffer.append("first ")
        #expect(buffer.span.array == Array("first ".utf8))
        return try buffer.suspend()
    }

    @Test("taken up again, it goes on where it was")
    func resumes() throws {
        let pool = ArenaPool()
        let local = pool.makeLocal()
        let lease = try local.acquire(expectedBytes: 0)
        let aside = try suspended(in: lease.arena)
        try take(100, from: lease.arena)
        var buffer = ArenaBuffer(resuming: aside, in: lease.arena)
        buffer.append("second")
        #expect(try buffer.finish().array == Array("first second".utf8))
    }

    @Test("what did not fit is told when it is laid aside")
    func tellsWhatDidNotFit() throws {
        let arena = ScopedArena(limits: .init(initialBytes: 1024, maximumBytes: 1024))
        var buffer = ArenaBuffer(in: arena, capacity: 16)
        for _ in 0..<2000 { buffer.append(1) }
        var error: ArenaError?
        do throws(ArenaError) { _ = try buffer.suspend() } catch let caught { error = caught }
        #expect(error == .capExceeded(limitBytes: 1024))
    }

    @Test("taking it up in another scope traps: the arena was reset, or is another")
    func trapsInAnotherScope() async {
        await #expect(processExitsWith: .failure) {
            var arena = ScopedArena()
            let aside = try ArenaBuffer(in: arena, capacity: 4).suspend()
            arena.reset()
            var buffer = ArenaBuffer(resuming: aside, in: arena)
            buffer.append(1)
        }
        await #expect(processExitsWith: .failure) {
            let arena = ScopedArena()
            let other = ScopedArena()
            let aside = try ArenaBuffer(in: arena, capacity: 4).suspend()
            var buffer = ArenaBuffer(resuming: aside, in: other)
            buffer.append(1)
        }
    }
}
