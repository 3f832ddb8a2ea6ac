/// The arenas of one loop: a short list of idle ones, taken and given back without atomics or locks.
///
/// One thread at a time. Leases taken from it end on that thread too; those still out when the pool goes
/// away stay good, and are freed when they end.
@safe
public final class LocalArenaPool {
    // Unsafe: the interior stands behind a pointer, since leases must reach it after this object is gone.
    private let core: UnsafeMutablePointer<LocalPoolCore>

    init(core: UnsafeMutablePointer<LocalPoolCore>) {
        unsafe self.core = unsafe core
    }

    deinit { unsafe LocalPoolCore.close(core) }

    /// Leases an arena: an idle one of this loop, or of the shared overflow, or a new one.
    /// - Parameter expectedBytes: what the request will probably take, as `Content-Length` tells; the arena
    ///   then has room for it in one piece. More than an arena's cap counts as the cap.
    /// - Parameter isLasting: whether the lease waits for a peer, as one does that gathers what is still to come. All
    ///   such leases together take `ArenaPool.Configuration.lastingBytes` at most.
    /// - Throws: `ArenaPoolError.budgetExhausted` where the pool may not reserve the memory for it.
    public func acquire(expectedBytes: Int, isLasting: Bool = false) throws(ArenaPoolError) -> ArenaLease {
        let state = unsafe try LocalPoolCore.acquire(core, expectedBytes: expectedBytes, isLasting: isLasting)
        return unsafe ArenaLease(arena: ScopedArena(leasing: state))
    }

    /// Gives memory back that recent work did not need. The loop calls it about once a second.
    /// - Parameter nowSeconds: any clock that never goes back, the same for all loops of a pool.
    public func trim(nowSeconds: Int) { unsafe LocalPoolCore.trim(core, nowSeconds: nowSeconds) }

    /// Bytes an arena keeps at most when it is given back: nearly all recent requests took less.
    public var retainTargetBytes: Int { unsafe core.pointee.retainTargetBytes }

    /// Idle arenas in this loop's list.
    public var idleCount: Int { unsafe core.pointee.idleCount }

    /// Counts a request that was refused for its announced size before an arena was leased.
    public func countOversizeRejection() { unsafe core.pointee.counters.oversizeRejections.add(1) }

    /// Counts bytes that left an arena: copied into a message, or interned as a topic's name.
    public func countPromoted(copyBytes: Int, internBytes: Int) {
        unsafe core.pointee.counters.promotedCopyBytes.add(copyBytes)
        unsafe core.pointee.counters.promotedInternBytes.add(internBytes)
    }
}
