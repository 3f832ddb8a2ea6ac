import PubSub

/// The first 64 bytes of a segment.
struct SegmentHeader {
    static let byteCount = 64

    var epoch: Epoch
    var firstSequence: UInt64
    var createdMicroseconds: Int64
    /// Whether messages were acknowledged only when they were on disk.
    var isSynchronous: Bool
    /// The newest message before it; 0 where that is not known. What is missing between the two is lost.
    var precedingSequence: UInt64 = 0

    func write(to block: Block, at offset: Int) {
        block.fill(offset..<offset + Self.byteCount)
        block.store(LogFormat.segmentMagic, at: offset)
        block.store(LogFormat.version, at: offset + 8)
        block.store(UInt32(isSynchronous ? 1 : 0), at: offset + 12)
        block.store(epoch.rawValue, at: offset + 16)
        block.store(firstSequence, at: offset + 24)
        block.store(createdMicroseconds, at: offset + 32)
        block.store(precedingSequence, at: offset + 40)
        block.store(block.checksum(offset..<offset + 60), at: offset + 60)
    }

    init(epoch: Epoch, firstSequence: UInt64, createdMicroseconds: Int64, isSynchronous: Bool) {
        self.epoch = epoch
        self.firstSequence = firstSequence
        self.createdMicroseconds = createdMicroseconds
        self.isSynchronous = isSynchronous
    }

    /// Nil where it is damaged, or another log's.
    init?(parsing block: Block, at offset: Int, epoch: Epoch) {
        guard block.load(offset, as: UInt64.self) == LogFormat.segmentMagic,
            block.load(offset + 60, as: UInt32.self) == block.checksum(offset..<offset + 60),
            block.load(offset + 8, as: UInt32.self) <= LogFormat.version,
            block.load(offset + 16, as: UInt64.self) == epoch.rawValue
        else { return nil }
        self.epoch = epoch
        isSynchronous = block.load(offset + 12, as: UInt32.self) & 1 == 1
        firstSequence = block.load(offset + 24)
        createdMicroseconds = block.load(offset + 32)
        precedingSequence = block.load(offset + 40)
    }
}
