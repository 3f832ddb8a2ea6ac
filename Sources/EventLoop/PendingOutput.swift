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

    init() {
        unsafe first = nil
        unsafe last = nil
    }

    deinit { precondition(count == 0, "blocks outlive their output") }

    mutating func append(_ bytes: Span<UInt8>, from blocks: inout OutputBlocks) {
        unsafe bytes.withUnsafeBytes { source in
            var copied = 0
            while copied < source.count {
                let block = unsafe blockWithRoom(from: &blocks)
                let step = min(source.count - copied, OutputBlocks.blockBytes - end)
                unsafe (block + end).copyMemory(from: source.baseAddress! + copied, byteCount: step)
                end += step
                copied += step
            }
        }
        count += bytes.count
    }

    /// Writes what `send` takes, at most `OutputBlocks.blocksPerWrite` blocks, and gives those back that are done.
    /// - Parameter send: how many bytes it took, or a negated errno.
    /// - Returns: bytes written, or a negated errno where there were none.
    mutating func write(returningTo blocks: inout OutputBlocks, _ send: (Span<UInt8>) -> Int) -> Int {
        var total = 0
        for _ in 0..<OutputBlocks.blocksPerWrite {
            guard let block = unsafe first else { break }
            let available = unsafe (block == last ? end : OutputBlocks.blockBytes) - start
            let sent = unsafe send(
                Span(_unsafeStart: (block + start).assumingMemoryBound(to: UInt8.self), count: available))
            guard sent >= 0 else { return total > 0 ? total : sent }
            total += sent
            start += sent
            count -= sent
            guard sent == available else { break }
            unsafe dropFirst(block, to: &blocks)
        }
        return total
    }

    mutating func removeAll(to blocks: inout OutputBlocks) {
        while let block = unsafe first { unsafe dropFirst(block, to: &blocks) }
        count = 0
    }

    private mutating func blockWithRoom(from blocks: inout OutputBlocks) -> UnsafeMutableRawPointer {
        if let last = unsafe last, end < OutputBlocks.blockBytes { return unsafe last }
        let block = unsafe blocks.take()
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
