import Testing

/// Views into an arena cannot outlive its scope: the compiler says so.
@Suite struct CompileRefusalTests {
    @Test("refused, at the line and for the reason expected", arguments: wrongPrograms)
    func isRefused(_ program: WrongProgram) throws {
        let errors = try Compiler.shared.get().errors(in: program.wrong, name: program.fileName)
        #expect(Set(errors.map(\.line)) == Set(program.refusals.map(\.line)), "\(errors)")
        for error in errors {
            #expect(program.refusals.contains { $0.line == error.line && error.message.contains($0.message) })
        }
    }

    @Test("accepted without the wrong line", arguments: wrongPrograms)
    func twinIsAccepted(_ program: WrongProgram) throws {
        let errors = try Compiler.shared.get().errors(in: program.twin, name: program.fileName + "-twin")
        #expect(errors.isEmpty)
    }
}

private let wrongPrograms = [
    WrongProgram(
        "return a view",
        """
        @_lifetime(borrow other)
        func escape(_ other: borrowing ScopedArena, _ bytes: Span<UInt8>) throws -> Span<UInt8> {
            let arena = ScopedArena() // wrong
            let view = try arena.copy(bytes) // wrong, refused: lifetime-dependent variable 'view' escapes its scope
            let view = try other.copy(bytes) // right
            return view
        }
        """),
    WrongProgram(
        "return a view of a lease",
        """
        @_lifetime(borrow other)
        func escape(_ other: borrowing ArenaLease, _ local: LocalArenaPool) throws -> MutableSpan<UInt32> {
            let lease = try local.acquire(expectedBytes: 8)
            let view = try lease.arena.allocate(repeating: UInt32(0), count: 2) // wrong, refused: escapes its scope
            let view = try other.arena.allocate(repeating: UInt32(0), count: 2) // right
            return view
        }
        """),
    WrongProgram(
        "return a buffer's bytes",
        """
        @_lifetime(borrow other)
        func escape(_ other: borrowing ScopedArena) throws -> Span<UInt8> {
            let arena = ScopedArena() // wrong
            var buffer = ArenaBuffer(in: arena, capacity: 8) // wrong
            var buffer = ArenaBuffer(in: other, capacity: 8) // right
            buffer.append(1)
            return try buffer.finish() // refused: lifetime-dependent value escapes its scope
        }
        """),
    WrongProgram(
        "store in a global",
        """
        nonisolated(unsafe) var kept: Int? = nil // right
        nonisolated(unsafe) var kept: Span<UInt8>? = nil // wrong
        func escape(_ arena: borrowing ScopedArena, _ bytes: Span<UInt8>) throws {
            kept = try arena.copy(bytes) // wrong, refused: lifetime-dependent value escapes its scope
            kept = try arena.copy(bytes).count // right
        }
        """),
    WrongProgram(
        "store in a class",
        """
        final class Holder {
            var kept = 0 // right
            private var storage: Span<UInt8>? = nil // wrong, refused: escapes its scope
            func keep(_ arena: borrowing ScopedArena, _ bytes: Span<UInt8>) throws {
                kept = try arena.copy(bytes).count // right
                storage = try arena.copy(bytes) // wrong, refused: lifetime-dependent value escapes its scope
            }
        }
        """),
    WrongProgram(
        "store in an outer variable",
        """
        func escape(_ bytes: Span<UInt8>) throws {
            var outer = Span<UInt8>() // refused: lifetime-dependent variable 'outer' escapes its scope
            use(outer)
            do {
                let arena = ScopedArena()
                let view = try arena.copy(bytes)
                outer = view // wrong
                use(view)
            }
            outer = bytes // right
            use(outer)
        }
        """),
    WrongProgram(
        "capture in an escaping closure",
        """
        func escape(_ arena: borrowing ScopedArena, _ bytes: Span<UInt8>) throws {
            let view = try arena.copy(bytes) // refused: lifetime-dependent variable 'view' escapes its scope
            let count = view.count
            run { use(view) } // wrong
            run { print(count) } // right
        }
        """),
    WrongProgram(
        "capture in a task",
        """
        func escape(_ arena: borrowing ScopedArena, _ bytes: Span<UInt8>) throws {
            let view = try arena.copy(bytes) // refused: lifetime-dependent variable 'view' escapes its scope
            let count = view.count
            Task { use(view) } // wrong
            Task { print(count) } // right
        }
        """),
    WrongProgram(
        "take a lease into a task",
        """
        func escape(_ local: LocalArenaPool) throws {
            let lease = try local.acquire(expectedBytes: 8)
            let used = lease.usedBytes // right
            Task { print(lease.usedBytes) } // wrong, refused: risks causing data races
            Task { print(used) } // right
        }
        """),
    WrongProgram(
        "use after reset",
        """
        func escape(_ bytes: Span<UInt8>) throws {
            var arena = ScopedArena()
            let view = try arena.copy(bytes) // wrong
            print(try decode(arena, bytes)) // right
            arena.reset() // refused: overlapping accesses to 'arena'
            use(view) // wrong
        }
        """),
    WrongProgram(
        "write after reset",
        """
        func escape() throws {
            var arena = ScopedArena()
            var view = try arena.allocate(repeating: UInt8(0), count: 8)
            view[0] = 1 // right
            arena.reset() // refused: overlapping accesses to 'arena'
            view[0] = 1 // wrong
        }
        """),
    WrongProgram(
        "append after reset",
        """
        func escape() throws {
            var arena = ScopedArena()
            var buffer = ArenaBuffer(in: arena, capacity: 8)
            buffer.append(1) // right
            arena.reset() // refused: overlapping accesses to 'arena'
            buffer.append(1) // wrong
        }
        """),
    WrongProgram(
        "use a view after its lease ended",
        """
        func escape(_ local: LocalArenaPool, _ bytes: Span<UInt8>) throws {
            let lease = try local.acquire(expectedBytes: 8)
            let view = try lease.arena.copy(bytes) // wrong
            print(try decode(lease.arena, bytes)) // right
            lease.end() // refused: noncopyable 'lease' cannot be consumed
            use(view) // wrong
        }
        """),
    WrongProgram(
        "use a lease after it ended",
        """
        func escape(_ local: LocalArenaPool) throws {
            let lease = try local.acquire(expectedBytes: 8) // refused: 'lease' used after consume
            print(lease.usedBytes) // right
            lease.end()
            print(lease.usedBytes) // wrong
        }
        """),
    WrongProgram(
        "store a lease while it is viewed",
        """
        struct Connection: ~Copyable { var lease: ArenaLease? }
        func escape(_ local: LocalArenaPool, _ connection: inout Connection, _ bytes: Span<UInt8>) throws {
            let lease = try local.acquire(expectedBytes: 8)
            let view = try lease.arena.copy(bytes) // wrong
            print(try decode(lease.arena, bytes)) // right
            connection.lease = consume lease // refused: noncopyable 'lease' cannot be consumed
            use(view) // wrong
        }
        """),
    WrongProgram(
        "copy a lease",
        """
        func escape(_ lease: borrowing ArenaLease) { // refused: 'lease' is borrowed and cannot be consumed
            let other = lease // wrong
            print(other.usedBytes) // wrong
            print(lease.usedBytes) // right
        }
        """),
    WrongProgram(
        "copy an interned name out",
        """
        func escape(_ names: consuming InternPool, _ id: InternedID) {
            let name = names.bytes(of: id) // wrong
            use(names.bytes(of: id)) // right
            _ = names.release(id) // refused: overlapping accesses to 'names'
            use(name) // wrong
        }
        """),
]
