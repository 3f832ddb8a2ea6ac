/// One topic in a segment's directory. The directory is in the order of the names' hashes.
struct DirectoryEntry {
    var hash: UInt64
    var bytes: Int
    /// When the topic's first message in the segment was stored.
    var firstMicroseconds: Int64
    /// Its first entry among the postings, and how many there are.
    var postings: Int
    var count: Int
    /// Where its name stands among the names.
    var nameOffset: Int
    var nameByteCount: Int
    /// Its first and last message, from the segment's first.
    var firstDelta: UInt32
    var lastDelta: UInt32

    func write(to block: Block, at offset: Int) {
        block.store(hash, at: offset)
        block.store(UInt64(bytes), at: offset + 8)
        block.store(firstMicroseconds, at: offset + 16)
        block.store(UInt32(postings), at: offset + 24)
        block.store(UInt32(count), at: offset + 28)
        block.store(UInt32(nameOffset), at: offset + 32)
        block.store(UInt32(nameByteCount), at: offset + 36)
        block.store(firstDelta, at: offset + 40)
        block.store(lastDelta, at: offset + 44)
    }

    init(parsing block: Block, at offset: Int) {
        hash = block.load(offset)
        bytes = Int(truncatingIfNeeded: block.load(offset + 8, as: UInt64.self))
        firstMicroseconds = block.load(offset + 16)
        postings = Int(block.load(offset + 24, as: UInt32.self))
        count = Int(block.load(offset + 28, as: UInt32.self))
        nameOffset = Int(block.load(offset + 32, as: UInt32.self))
        nameByteCount = Int(block.load(offset + 36, as: UInt32.self))
        firstDelta = block.load(offset + 40)
        lastDelta = block.load(offset + 44)
    }

    init(
        hash: UInt64, bytes: Int, firstMicroseconds: Int64, postings: Int, count: Int, nameOffset: Int,
        nameByteCount: Int, firstDelta: UInt32, lastDelta: UInt32
    ) {
        self.hash = hash
        self.bytes = bytes
        self.firstMicroseconds = firstMicroseconds
        self.postings = postings
        self.count = count
        self.nameOffset = nameOffset
        self.nameByteCount = nameByteCount
        self.firstDelta = firstDelta
        self.lastDelta = lastDelta
    }
}
