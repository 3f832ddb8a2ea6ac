/// Output that a socket did not take yet: a chain of blocks, each lent by the loop's `OutputBlocks`.
///
/// What was sent is given back block by block, so that a peer that reads slowly but steadily, and is never all served,
/// makes us hold no more than is unsent. Empty it before it ends: its blocks belong to the loop.
// unsafe: follows the chain's pointers; offsets stay within a block.
@safe
struct PendingOutput: ~Copyable {
    private var first: UnsafeMutableRawPointer?
    private var last: UnsafeMutableRawPointer?
    /// Where the unsent bytes begin in the first block, and where they end in the last.
    private var start = OutputBlocks.headerBytes
    private var end = OutputBlocks.headerBytes
    /// Bytes not sent yet.
    private(set) var count = 0
    /// Since when the peer is awaited to take it, by the loop's clock, and what it took since.
    private(set) var awaitedSince: UInt64 = 0
    private(set) var awaitedAndTaken = 0

    init() {
        unsafe first = nil
        unsafe last = nil
    }

    deinit { precondition(count == 0, "blocks outlive their output") }

    /// Appends all bytes.
    /// - Returns: false where there was no memory for all of them.
    mutating func append(_ bytes: Span<UInt8>, from blocks: inout OutputBlocks) -> Bool {
        let copied = unsafe bytes.withUnsafeBytes { source in
            var copied = 0
            while copied < source.count {
                guard let block = unsafe blockWithRoom(from: &blocks) else { break }
                let step = min(source.count - copied, OutputBlocks.blockBytes - end)
                unsafe (block + end).copyMemory(from: source.baseAddress! + copied, byteCount: step)
                end += step
                copied += step
            }
            return copied
        }
        count += copied
        return copied == bytes.count
    }

    mutating func beginAwait(_ nowNanoseconds: UInt64) {
        awaitedSince = nowNanoseconds
        awaitedAndTaken = 0
    }

    /// The first bytes that are to be sent, in one piece.
    var firstPiece: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            guard let block = unsafe first else { return Span() }
            let available = unsafe (block == last ? end : OutputBlocks.blockBytes) - start
            let piece = unsafe Span(
                _unsafeStart: (block + start).assumingMemoryBound(to: UInt8.self), count: available)
            return unsafe _overrideLifetime(piece, borrowing: self)
        }
    }

    /// Lets go of the first piece's bytes that were sent, and of its block where that is all of them.
    mutating func dropFirst(_ byteCount: Int, to blocks: inout OutputBlocks) {
        guard let block = unsafe first else { return }
        start += byteCount
        count -= byteCount
        awaitedAndTaken += byteCount
        if unsafe start == (block == last ? end : OutputBlocks.blockBytes) { unsafe dropFirst(block, to: &blocks) }
    }

    mutating func removeAll(to blocks: inout OutputBlocks) {
        while let block = unsafe first { unsafe dropFirst(block, to: &blocks) }
        count = 0
    }

    private mutating func blockWithRoom(from blocks: inout OutputBlocks) -> UnsafeMutableRawPointer? {
        if let last = unsafe last, end < OutputBlocks.blockBytes { return unsafe last }
        guard let block = unsafe blocks.take() else { return nil }
        if let last = unsafe last {
            unsafe OutputBlocks.link(last, to: block)
        } else {
            unsafe first = unsafe block
            start = OutputBlocks.headerBytes
        }
        unsafe last = unsafe block
        end = OutputBlocks.headerBytes
        return unsafe block
    }

    private mutating func dropFirst(_ block: UnsafeMutableRawPointer, to blocks: inout OutputBlocks) {
        unsafe first = unsafe OutputBlocks.next(of: block)
        if unsafe first == nil { unsafe last = nil }
        start = OutputBlocks.headerBytes
        unsafe blocks.give(block)
    }
}
