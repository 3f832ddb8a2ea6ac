/// An arena on loan from a pool, for the life of one request.
///
/// Its end, on whatever path, resets the arena and gives it back to the `LocalArenaPool` it came from.
/// Views into `arena` cannot outlive the lease. It ends on the thread of that pool. A lease costs no
/// allocation and may rest in an `Optional` of another noncopyable value, to be taken out with `take()`.
public struct ArenaLease: ~Copyable {
    /// The leased arena. Pass it on as `borrowing ScopedArena`.
    public let arena: ScopedArena

    init(arena: consuming ScopedArena) {
        self.arena = arena
    }

    /// Bytes handed out so far in this lease.
    public var usedBytes: Int { arena.usedBytes }

    /// Bytes the leased arena holds.
    public var reservedBytes: Int { arena.reservedBytes }

    /// Gives the arena back now; the same as letting the lease go out of scope.
    public consuming func end() {}
}
