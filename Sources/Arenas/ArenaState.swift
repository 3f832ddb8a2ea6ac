/// The interior of an arena: a chain of chunks and a bump cursor. It lives behind a pointer so that
/// allocation is non-mutating and several live views may stand side by side.
///
/// Unsafe: this is where arena memory is carved up.
@usableFromInline
@unsafe
struct ArenaState {
    /// Next free byte of the newest chunk, and that chunk's end.
    @usableFromInline var cursor: UnsafeMutableRawPointer
    @usableFromInline var end: UnsafeMutableRawPointer
    /// Newest chunk; each names the one before it.
    var chunk: UnsafeMutablePointer<ArenaChunk>
    /// Bytes handed out from chunks before the newest.
    var usedInOlderChunks = 0
    /// Bytes of all chunks. What rests is not counted: only debug and sanitizer builds let chunks rest.
    var reservedBytes: Int
    let limits: ScopedArena.Limits
    /// Grows with every reset, so that a handle from before it can be told.
    @usableFromInline var generation: UInt32 = 0
    /// Whether dead chunks are buried and rest; kept here, since a global is looked up at a cost.
    let burials = Poison.isActive
    /// Buried chunks that wait before they are used again, oldest first.
    var restingHead: UnsafeMutablePointer<ArenaChunk>?
    var restingTail: UnsafeMutablePointer<ArenaChunk>?
    var restingCount = 0

    /// The local pool this arena was leased from and goes back to; nothing for an arena of its own.
    var home: UnsafeMutablePointer<LocalPoolCore>?
    /// Whether what it reserves counts as a lasting lease's.
    var isLasting = false
    /// The next idle arena of the list this one stands in.
    var next: UnsafeMutablePointer<ArenaState>?
    /// When this arena was last given back, by the clock handed to `LocalArenaPool.trim(nowSeconds:)`.
    var idleSinceSeconds = 0

    /// An empty arena with one chunk, or nothing where the system has no memory.
    static func make(limits: ScopedArena.Limits, firstChunkBytes: Int) -> UnsafeMutablePointer<ArenaState>? {
        guard let chunk = unsafe ArenaChunk.make(byteCount: firstChunkBytes, after: nil) else { return nil }
        let state = UnsafeMutablePointer<ArenaState>.allocate(capacity: 1)
        unsafe state.initialize(
            to: ArenaState(
                cursor: ArenaChunk.body(of: chunk), end: ArenaChunk.end(of: chunk), chunk: chunk,
                reservedBytes: firstChunkBytes, limits: limits))
        return unsafe state
    }

    /// Frees an arena and all it holds. Who accounts for its `reservedBytes` does so before.
    static func destroy(_ state: UnsafeMutablePointer<ArenaState>) {
        unsafe state.pointee.freeChunks(from: state.pointee.chunk)
        unsafe state.pointee.freeChunks(from: state.pointee.restingHead)
        unsafe state.deallocate()
    }

    /// Bytes handed out since the last reset, alignment included.
    var usedBytes: Int { unsafe usedInOlderChunks + (cursor - ArenaChunk.body(of: chunk)) }

    @inlinable
    mutating func allocate(byteCount: Int, alignment: Int) throws(ArenaError) -> UnsafeMutableRawPointer {
        let start = unsafe cursor.alignedUp(toMultipleOf: alignment)
        if unsafe byteCount >= 0 && byteCount <= end - start {
            unsafe cursor = start + byteCount
            return unsafe start
        }
        return unsafe try allocateSlowly(byteCount: byteCount, alignment: alignment)
    }

    /// Makes the newest allocation longer without moving it, where it is the newest and there is room.
    @usableFromInline
    mutating func extend(_ start: UnsafeMutablePointer<UInt8>, from old: Int, to new: Int) -> Bool {
        guard unsafe UnsafeMutableRawPointer(start + old) == cursor, unsafe new - old <= end - cursor else {
            return false
        }
        unsafe cursor += new - old
        return true
    }

    @usableFromInline
    mutating func allocateSlowly(byteCount: Int, alignment: Int) throws(ArenaError) -> UnsafeMutableRawPointer {
        precondition(byteCount >= 0, "a negative number of bytes was asked of an arena")
        let room = unsafe limits.maximumBytes - reservedBytes
        // First alone, so that the sum below cannot wrap.
        guard byteCount <= room else { throw unsafe .capExceeded(limitBytes: limits.maximumBytes) }
        let needed = unsafe ArenaChunk.roundedUp(byteCount + ArenaChunk.headBytes + (alignment > 16 ? alignment : 0))
        guard needed <= room else { throw unsafe .capExceeded(limitBytes: limits.maximumBytes) }
        let doubled = unsafe min(room & ~15, ArenaChunk.roundedUp(max(needed, reservedBytes)))
        // Where doubling would pass the budget, what is needed may still fit.
        guard unsafe push(doubled) || (needed < doubled && push(needed)) else {
            unsafe countGrowthFailure()
            throw .budgetExhausted
        }
        return unsafe try allocate(byteCount: byteCount, alignment: alignment)
    }

    private mutating func push(_ size: Int) -> Bool {
        guard let fresh = unsafe makeChunk(size, reserving: size, after: chunk) else { return false }
        unsafe usedInOlderChunks += cursor - ArenaChunk.body(of: chunk)
        unsafe reservedBytes += size
        unsafe open(fresh)
        return true
    }

    /// Makes `chunk` the one that is allocated from.
    mutating func open(_ chunk: UnsafeMutablePointer<ArenaChunk>) {
        unsafe self.chunk = chunk
        unsafe cursor = ArenaChunk.body(of: chunk)
        unsafe end = ArenaChunk.end(of: chunk)
    }

    /// A chunk, once the pool's budget has room for the `added` bytes by which the arena would grow.
    func makeChunk(
        _ size: Int, reserving added: Int, after previous: UnsafeMutablePointer<ArenaChunk>?
    ) -> UnsafeMutablePointer<ArenaChunk>? {
        guard let home = unsafe home else { return unsafe ArenaChunk.make(byteCount: size, after: previous) }
        guard unsafe !isLasting || home.pointee.pool.reserveLasting(added) else { return nil }
        let isReserved = unsafe LocalPoolCore.reserve(home, added)
        guard isReserved, let chunk = unsafe ArenaChunk.make(byteCount: size, after: previous) else {
            if isReserved { unsafe home.pointee.unreserve(added) }
            if unsafe isLasting { unsafe home.pointee.pool.unreserveLasting(added) }
            return nil
        }
        unsafe home.pointee.counters.chunkAllocations.add(1)
        return unsafe chunk
    }

    func freeChunks(from first: UnsafeMutablePointer<ArenaChunk>?) {
        var next = unsafe first
        while let chunk = unsafe next {
            unsafe next = chunk.pointee.previous
            unsafe ArenaChunk.free(chunk)
        }
    }

    private func countGrowthFailure() {
        if let home = unsafe home { unsafe home.pointee.counters.growthFailures.add(1) }
    }
}
