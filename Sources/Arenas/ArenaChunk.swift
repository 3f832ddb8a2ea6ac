import Glibc

/// The head of one block of arena memory; what can be allocated from it follows at `body`.
///
/// Unsafe: asks the system for raw memory and gives it back.
@usableFromInline
@unsafe
struct ArenaChunk {
    /// The chunk that was filled before this one.
    var previous: UnsafeMutablePointer<ArenaChunk>?
    /// Bytes of the whole chunk, this head included.
    var byteCount: Int

    /// Bytes of a chunk that cannot be allocated.
    static var headBytes: Int { unsafe MemoryLayout<ArenaChunk>.size }

    /// From here on memory is mapped and unmapped: the heap keeps freed blocks and would not give the memory of one giant
    /// request, or of thousands at once, back to the system. Pools keep what steady load uses, and do neither then.
    static let mappedBytes = 16 * 1024
    private static let pageBytes = 4096

    /// `byteCount` rounded up to what a chunk of that size takes from the system. Both are below
    /// `Int.max - 4096`, since a cap is.
    static func roundedUp(_ byteCount: Int) -> Int {
        let unit = unsafe byteCount >= mappedBytes ? pageBytes : 16
        return (byteCount + unit - 1) & ~(unit - 1)
    }

    /// A chunk of `byteCount` bytes in all, or nothing where the system has no memory.
    static func make(byteCount: Int, after previous: UnsafeMutablePointer<ArenaChunk>?) -> UnsafeMutablePointer<
        ArenaChunk
    >? {
        var memory: UnsafeMutableRawPointer?
        if unsafe byteCount >= mappedBytes {
            unsafe memory = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
            if unsafe memory == MAP_FAILED { unsafe memory = nil }
        } else {
            unsafe memory = malloc(byteCount)
        }
        guard let memory = unsafe memory else { return nil }
        let chunk = unsafe memory.bindMemory(to: ArenaChunk.self, capacity: 1)
        unsafe chunk.initialize(to: ArenaChunk(previous: previous, byteCount: byteCount))
        return unsafe chunk
    }

    static func free(_ chunk: UnsafeMutablePointer<ArenaChunk>) {
        let byteCount = unsafe chunk.pointee.byteCount
        unsafe unearth(chunk)
        if unsafe byteCount >= mappedBytes {
            unsafe munmap(chunk, byteCount)
        } else {
            unsafe Glibc.free(chunk)
        }
    }

    static func body(of chunk: UnsafeMutablePointer<ArenaChunk>) -> UnsafeMutableRawPointer {
        unsafe UnsafeMutableRawPointer(chunk) + headBytes
    }

    static func end(of chunk: UnsafeMutablePointer<ArenaChunk>) -> UnsafeMutableRawPointer {
        unsafe UnsafeMutableRawPointer(chunk) + chunk.pointee.byteCount
    }

    /// Fills and poisons all of a chunk but its head.
    static func bury(_ chunk: UnsafeMutablePointer<ArenaChunk>) {
        unsafe Poison.bury(body(of: chunk), byteCount: chunk.pointee.byteCount - headBytes)
    }

    static func unearth(_ chunk: UnsafeMutablePointer<ArenaChunk>) {
        if Poison.isActive {
            unsafe Poison.unearth(body(of: chunk), byteCount: chunk.pointee.byteCount - headBytes)
        }
    }
}
