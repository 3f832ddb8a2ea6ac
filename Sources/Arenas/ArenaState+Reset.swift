/// How an arena ends one use and gets ready for the next.
///
/// Unsafe: frees, buries and swaps the chunks that `ArenaState` carves up.
extension ArenaState {
    /// How many buried chunks an arena lets rest, so that a stray view reads poison for that many uses.
    private static var restingLimit: Int { 2 }

    /// Whether everything stands in one chunk of at most `byteCount` bytes: then a reset moves the cursor only.
    func isOneChunk(ofAtMost byteCount: Int) -> Bool {
        unsafe chunk.pointee.previous == nil && chunk.pointee.byteCount <= byteCount
    }

    /// Whether `byteCount` bytes fit before the arena has to grow.
    func hasRoom(for byteCount: Int) -> Bool { unsafe byteCount <= end - cursor }

    /// Ends the life of everything allocated, and keeps all memory.
    mutating func rewind() {
        unsafe generation &+= 1
        unsafe usedInOlderChunks = 0
        if unsafe burials { unsafe rest() }
        unsafe cursor = ArenaChunk.body(of: chunk)
    }

    /// Ends the life of everything allocated. Several chunks become one of `targetBytes`, and one that is
    /// larger shrinks to it; without memory for that, the newest chunk stays.
    mutating func reset(retaining targetBytes: Int) {
        let target = unsafe limits.chunkBytes(for: targetBytes)
        if unsafe !isOneChunk(ofAtMost: target) { _ = unsafe becomeOneChunk(of: target) }
        unsafe rewind()
    }

    /// Makes room for `byteCount` bytes in one chunk, while the arena is empty.
    /// - Returns: false where the budget or the system has no memory for it; the arena is as before.
    mutating func prepare(for byteCount: Int) -> Bool {
        let wanted = unsafe byteCount > limits.maximumBytes ? limits.maximumBytes : byteCount + ArenaChunk.headBytes
        let size = unsafe limits.chunkBytes(for: wanted)
        return unsafe size <= reservedBytes || becomeOneChunk(of: size)
    }

    /// Puts one empty chunk of `size` bytes in the place of all chunks.
    private mutating func becomeOneChunk(of size: Int) -> Bool {
        let newest = unsafe chunk
        let added = unsafe size - reservedBytes
        var only = unsafe newest
        if unsafe newest.pointee.byteCount != size {
            guard let fresh = unsafe makeChunk(size, reserving: max(added, 0), after: nil) else {
                unsafe keepNewestChunk()
                return false
            }
            unsafe freeChunks(from: newest)
            unsafe only = fresh
        } else {
            unsafe freeChunks(from: newest.pointee.previous)
            unsafe only.pointee.previous = nil
        }
        if added < 0, let home = unsafe home { unsafe home.pointee.unreserve(-added) }
        unsafe reservedBytes = size
        unsafe open(only)
        return true
    }

    private mutating func keepNewestChunk() {
        unsafe freeChunks(from: chunk.pointee.previous)
        unsafe chunk.pointee.previous = nil
        let size = unsafe chunk.pointee.byteCount
        if let home = unsafe home { unsafe home.pointee.unreserve(reservedBytes - size) }
        unsafe reservedBytes = size
        unsafe open(chunk)
    }

    /// Buries the only chunk and opens another of its size: one that has rested long enough, or a new one.
    private mutating func rest() {
        let buried = unsafe chunk
        let size = unsafe buried.pointee.byteCount
        unsafe ArenaChunk.bury(buried)
        var rested: UnsafeMutablePointer<ArenaChunk>?
        if unsafe restingCount >= ArenaState.restingLimit, let oldest = unsafe restingHead {
            unsafe restingHead = oldest.pointee.previous
            unsafe restingCount -= 1
            if unsafe oldest.pointee.byteCount == size {
                unsafe rested = oldest
            } else {
                unsafe ArenaChunk.free(oldest)
            }
        }
        guard let next = unsafe rested ?? ArenaChunk.make(byteCount: size, after: nil) else {
            unsafe ArenaChunk.unearth(buried)
            return
        }
        // The resting chain runs from old to young, so `previous` names the next to be used.
        unsafe buried.pointee.previous = nil
        if unsafe restingHead == nil {
            unsafe restingHead = buried
        } else {
            unsafe restingTail?.pointee.previous = buried
        }
        unsafe restingTail = buried
        unsafe restingCount += 1
        unsafe ArenaChunk.unearth(next)
        unsafe next.pointee.previous = nil
        unsafe open(next)
    }
}
