import PubSub

/// A part of a file in memory, read anew where a look falls outside of it. One thread at a time.
final class FileWindow {
    let block: Block
    private let storage: any LogStorage
    private(set) var file: StorageFile?
    /// The part of the file that is in memory, and whether the file ends behind it.
    private var start = 0
    private var count = 0
    /// How much is read at a time; grows while the reads follow one another.
    private var aheadBytes: Int
    private let smallestAhead: Int
    private let largestAhead: Int

    init(storage: any LogStorage, smallestAhead: Int, largestAhead: Int) {
        self.storage = storage
        self.smallestAhead = smallestAhead
        self.largestAhead = largestAhead
        aheadBytes = smallestAhead
        block = Block(capacity: largestAhead)
    }

    deinit { if let file { storage.close(file) } }

    func open(_ name: String) throws(StorageError) {
        close()
        file = try storage.open(name, creating: false)
    }

    func close() {
        if let file { storage.close(file) }
        file = nil
        count = 0
        aheadBytes = smallestAhead
    }

    /// Forgets what is in memory: the file was written to.
    func forget() { count = 0 }

    /// Sees to it that bytes of the file are in memory.
    /// - Returns: where in `block` they stand; nil where the file ends before them.
    func bring(_ offset: Int, _ byteCount: Int) throws(StorageError) -> Int? {
        if offset >= start, offset + byteCount <= start + count { return offset - start }
        guard let file else { preconditionFailure("no file is open") }
        // Reads that follow one another take more at a time; a jump begins anew.
        let follows = count > 0 && offset >= start && offset <= start + count
        aheadBytes = follows ? min(aheadBytes * 2, largestAhead) : smallestAhead
        let wanted = max(byteCount, aheadBytes)
        block.reserve(wanted)
        start = offset
        count = 0
        count = try storage.read(file, at: offset, into: block, 0..<wanted)
        return count >= byteCount ? 0 : nil
    }

    /// The valid record at `offset`: what it says, and where in `block` it stands.
    /// - Returns: nil where there is none.
    func record(at offset: Int, tag: UInt32) throws(StorageError) -> (header: RecordHeader, at: Int)? {
        guard let head = try bring(offset, RecordHeader.byteCount),
            let byteCount = RecordHeader.claimedByteCount(in: block, at: head, tag: tag),
            let whole = try bring(offset, byteCount),
            let header = RecordHeader(parsing: block, at: whole, tag: tag)
        else { return nil }
        return (header, whole)
    }
}
