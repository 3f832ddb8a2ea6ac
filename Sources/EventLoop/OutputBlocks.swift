import Glibc

/// Blocks of memory that a loop lends to pending outputs, and uses again. One thread.
// unsafe: raw blocks, linked through their first word; it alone allocates and frees them.
@safe
struct OutputBlocks: ~Copyable {
    /// Large enough that a big reply takes few calls, small enough that a peer that owes us little costs little.
    static let blockBytes = 16 << 10
    /// The link to the next block stands first.
    static let headerBytes = 8
    /// What one peer is written before the others have their turn.
    static let blocksPerWrite = 16
    /// Idle blocks kept, 1 MiB: the loop allocates nothing while its slow peers come and go, and a spike is given back.
    static let keptBlocks = 64

    private var firstIdle: UnsafeMutableRawPointer?
    private(set) var idleCount = 0
    private(set) var lentCount = 0

    init() { unsafe firstIdle = nil }

    deinit {
        var next = unsafe firstIdle
        while let block = unsafe next {
            unsafe next = unsafe Self.next(of: block)
            unsafe Self.unmap(block)
        }
    }

    /// A block, or nothing where the system has no memory.
    mutating func take() -> UnsafeMutableRawPointer? {
        if let block = unsafe firstIdle {
            unsafe firstIdle = unsafe Self.next(of: block)
            idleCount -= 1
            lentCount += 1
            unsafe Self.link(block, to: nil)
            return unsafe block
        }
        // Mapped, so that a spike goes back to the system: the heap would keep it between blocks still in use.
        let block = unsafe mmap(nil, Self.blockBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        guard let block = unsafe block, unsafe block != MAP_FAILED else { return nil }
        lentCount += 1
        return unsafe block
    }

    mutating func give(_ block: UnsafeMutableRawPointer) {
        lentCount -= 1
        guard idleCount < Self.keptBlocks else { return unsafe Self.unmap(block) }
        unsafe Self.link(block, to: firstIdle)
        unsafe firstIdle = unsafe block
        idleCount += 1
    }

    private static func unmap(_ block: UnsafeMutableRawPointer) { unsafe munmap(block, blockBytes) }

    static func next(of block: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
        unsafe block.load(as: UnsafeMutableRawPointer?.self)
    }

    static func link(_ block: UnsafeMutableRawPointer, to next: UnsafeMutableRawPointer?) {
        unsafe block.storeBytes(of: next, as: UnsafeMutableRawPointer?.self)
    }
}
