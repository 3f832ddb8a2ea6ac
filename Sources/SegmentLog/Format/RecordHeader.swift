import Arenas
import PubSub

/// What stands before each record in a segment: 64 bytes, little-endian. The record's topic and its message follow, and
/// zeroes up to the next multiple of eight. `docs/log-format.md` is the reference.
struct RecordHeader: Equatable {
    enum Kind: UInt8 {
        /// A message.
        case message = 1
        /// A topic's settings, as they are from here on.
        case settings = 2
        /// The topic's messages up to here are deleted, and its settings.
        case deletion = 3
        /// A message that is to be delivered later.
        case scheduled = 4
        /// A message that was to be delivered later is not any more: it was delivered, or taken back.
        case unscheduled = 5
    }

    var kind: Kind
    /// The next record belongs to the same append: both are stored, or neither.
    var continues = false
    /// Bytes of the record, header and all, without what pads it.
    var byteCount: Int
    /// A message's own; for other kinds, the newest message's before it.
    var sequence: UInt64
    var timeMicroseconds: Int64
    var expiresMicroseconds: Int64 = .max
    var idempotency: IdempotencyHash?
    /// Where in the segment the write began that this record was part of.
    var batchOffset: UInt32 = 0
    var topicByteCount: Int
    var attributesOffset: UInt32 = 0

    static let byteCount = 64

    /// Bytes a record takes in a segment.
    var storedBytes: Int { Self.padded(byteCount) }

    static func padded(_ byteCount: Int) -> Int { (byteCount + 7) & ~7 }

    static func storedBytes(topic: Int, message: Int) -> Int { padded(byteCount + topic + message) }

    /// Where the topic and the message stand, from the record's start.
    var topicRange: Range<Int> { Self.byteCount..<Self.byteCount + topicByteCount }
    var messageRange: Range<Int> { Self.byteCount + topicByteCount..<byteCount }

    private enum Offset {
        static let checksum = 0
        static let byteCount = 4
        static let sequence = 8
        static let time = 16
        static let expires = 24
        static let idempotencyHigh = 32
        static let idempotencyLow = 40
        static let batch = 48
        static let kind = 52
        static let flags = 53
        static let topicByteCount = 54
        static let attributes = 56
        static let tag = 60
    }

    private enum Flags {
        static let continues: UInt8 = 1
        static let hasIdempotency: UInt8 = 2
    }

    // MARK: Writing

    /// Writes the header; the checksum comes with `seal`.
    func write(to block: Block, at offset: Int, tag: UInt32) {
        block.store(UInt32(0), at: offset + Offset.checksum)
        block.store(UInt32(byteCount), at: offset + Offset.byteCount)
        block.store(sequence, at: offset + Offset.sequence)
        block.store(timeMicroseconds, at: offset + Offset.time)
        block.store(expiresMicroseconds, at: offset + Offset.expires)
        block.store(idempotency?.high ?? 0, at: offset + Offset.idempotencyHigh)
        block.store(idempotency?.low ?? 0, at: offset + Offset.idempotencyLow)
        block.store(batchOffset, at: offset + Offset.batch)
        block.store(kind.rawValue, at: offset + Offset.kind)
        let flags = (continues ? Flags.continues : 0) | (idempotency != nil ? Flags.hasIdempotency : 0)
        block.store(flags, at: offset + Offset.flags)
        block.store(UInt16(topicByteCount), at: offset + Offset.topicByteCount)
        block.store(attributesOffset, at: offset + Offset.attributes)
        block.store(tag, at: offset + Offset.tag)
    }

    /// Ends an append at the record at `offset`.
    static func endAppend(in block: Block, at offset: Int) {
        let flags = block.load(offset + Offset.flags, as: UInt8.self)
        block.store(flags & ~Flags.continues, at: offset + Offset.flags)
    }

    /// Says where the record's write begins, and writes the checksum.
    static func seal(in block: Block, at offset: Int, batchOffset: Int) {
        block.store(UInt32(batchOffset), at: offset + Offset.batch)
        let count = Int(block.load(offset + Offset.byteCount, as: UInt32.self))
        block.store(block.checksum(offset + 4..<offset + count), at: offset + Offset.checksum)
    }

    // MARK: Reading

    /// How long the record at `offset` claims to be; nil where no record of this log can begin there.
    static func claimedByteCount(in block: Block, at offset: Int, tag: UInt32) -> Int? {
        guard block.load(offset + Offset.tag, as: UInt32.self) == tag else { return nil }
        let count = Int(block.load(offset + Offset.byteCount, as: UInt32.self))
        return count >= byteCount && count <= LogFormat.maximumRecordBytes ? count : nil
    }

    /// Parses a record that stands whole in `block`; nil where it is damaged.
    init?(parsing block: Block, at offset: Int, tag: UInt32) {
        guard let count = Self.claimedByteCount(in: block, at: offset, tag: tag),
            block.load(offset + Offset.checksum, as: UInt32.self) == block.checksum(offset + 4..<offset + count)
        else { return nil }
        self.init(trusting: block, at: offset)
    }

    /// Parses a record whose checksum is not looked at: one that was just written.
    init?(trusting block: Block, at offset: Int) {
        guard let kind = Kind(rawValue: block.load(offset + Offset.kind)) else { return nil }
        self.kind = kind
        let flags = block.load(offset + Offset.flags, as: UInt8.self)
        continues = flags & Flags.continues != 0
        byteCount = Int(block.load(offset + Offset.byteCount, as: UInt32.self))
        sequence = block.load(offset + Offset.sequence)
        timeMicroseconds = block.load(offset + Offset.time)
        expiresMicroseconds = block.load(offset + Offset.expires)
        if flags & Flags.hasIdempotency != 0 {
            idempotency = IdempotencyHash(
                high: block.load(offset + Offset.idempotencyHigh), low: block.load(offset + Offset.idempotencyLow))
        }
        batchOffset = block.load(offset + Offset.batch)
        topicByteCount = Int(block.load(offset + Offset.topicByteCount, as: UInt16.self))
        attributesOffset = block.load(offset + Offset.attributes)
        guard sequence <= LogFormat.maximumSequence, kind != .message || sequence > 0,
            timeMicroseconds >= 0, timeMicroseconds <= LogFormat.latestMicroseconds,
            topicByteCount <= TopicName.maximumBytes, Self.byteCount + topicByteCount <= byteCount,
            Int(attributesOffset) <= byteCount - Self.byteCount - topicByteCount
        else { return nil }
    }

    init(
        kind: Kind, sequence: UInt64, timeMicroseconds: Int64, topicByteCount: Int, messageByteCount: Int
    ) {
        self.kind = kind
        self.sequence = sequence
        self.timeMicroseconds = timeMicroseconds
        self.topicByteCount = topicByteCount
        byteCount = Self.byteCount + topicByteCount + messageByteCount
    }
}
