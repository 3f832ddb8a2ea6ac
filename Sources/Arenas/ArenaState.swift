/// The interior of an arena: a chain of chunks and a bump cursor. It lives behind a pointer so that
/// allocation is non-mutating and several live views may stand side by side.
@usableFromInline
@unsafe
struct ArenaState {
    /// Next free byte of the newest chunk, and that chunk's end.
    @usableFromInline var cursor: UnsafeMutableRawPointer
    @usableFromInline var end: UnsafeMutableRawPointer
    /// Newest chunk; each chunk's header names the one before it.
    var chunk: UnsafeMutablePointer<ChunkHeader>
    var reservedBytes: Int
    var limits: ScopedArena.Limits

    @unsafe
    struct ChunkHeader {
        var previous: UnsafeMutablePointer<ChunkHeader>?
        var byteCount: Int
    }

    @inlinable
    mutating func allocate(byteCount: Int, alignment: Int) throws(ArenaError) -> UnsafeMutableRawPointer {
        let start = unsafe cursor.alignedUp(toMultipleOf: alignment)
        if unsafe byteCount <= end - start {
            unsafe cursor = start + byteCount
            return unsafe start
        }
        return unsafe try allocateSlowly(byteCount: byteCount, alignment: alignment)
    }

    /// Makes the newest allocation longer without moving it, where it is the newest and there is room.
    @usableFromInline
    mutating func extend(_ start: UnsafeMutablePointer<UInt8>, from old: Int, to new: Int) -> Bool {
        guard unsafe UnsafeMutableRawPointer(start + old) == cursor, unsafe new - old <= end - cursor else { return false }
        unsafe cursor += new - old
        return true
    }

    @usableFromInline
    mutating func allocateSlowly(byteCount: Int, alignment: Int) throws(ArenaError) -> UnsafeMutableRawPointer {
        let room = unsafe limits.maximumBytes - reservedBytes
        let header = unsafe MemoryLayout<ChunkHeader>.size
        let needed = byteCount + alignment + header
        guard needed <= room else { throw unsafe .capExceeded(limitBytes: limits.maximumBytes) }
        let size = unsafe min(room, max(needed, reservedBytes))
        unsafe push(size)
        return unsafe try allocate(byteCount: byteCount, alignment: alignment)
    }

    mutating func push(_ size: Int) {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
        let fresh = unsafe memory.bindMemory(to: ChunkHeader.self, capacity: 1)
        unsafe fresh.initialize(to: ChunkHeader(previous: chunk, byteCount: size))
        unsafe chunk = fresh
        unsafe cursor = memory + MemoryLayout<ChunkHeader>.size
        unsafe end = memory + size
        unsafe reservedBytes += size
    }
}
