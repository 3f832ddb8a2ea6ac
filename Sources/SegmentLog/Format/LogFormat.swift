import PubSub

/// What all files of a log share.
enum LogFormat {
    /// A log of a later version is refused.
    static let version: UInt32 = 1
    /// Largest record: more than any message that can arrive.
    static let maximumRecordBytes = 1 << 30
    /// Largest sequence number, and latest time: so far off that sums with them do not overflow.
    static let maximumSequence: UInt64 = 1 << 62
    static let latestMicroseconds: Int64 = 1 << 60
    /// Sequence numbers in one segment lie this close to each other.
    static let largestDelta = UInt64(UInt32.max)
    static let segmentMagic: UInt64 = 0x0031_4745_5352_5450  // "PTRSEG1\0"
    static let indexMagic: UInt64 = 0x0031_5844_4952_5450  // "PTRIDX1\0"
    static let identityMagic: UInt64 = 0x0031_474F_4C52_5450  // "PTRLOG1\0"
}

/// The file that tells one log from every other: its epoch, and the secrets its records and hashes are made with.
struct LogIdentity: Equatable {
    static let fileName = "identity"
    static let temporaryName = "identity.new"
    static let byteCount = 64

    var epoch: Epoch
    /// Stands in every record, so that what a client wrote into a message is never taken for one.
    var tag: UInt32
    /// Under which idempotency keys and topics are hashed.
    var key0: UInt64
    var key1: UInt64
    var createdMicroseconds: Int64

    static func random(nowMicroseconds: Int64) -> LogIdentity {
        LogIdentity(
            epoch: .random(), tag: .random(in: 1 ... .max), key0: .random(in: .min ... .max),
            key1: .random(in: .min ... .max), createdMicroseconds: nowMicroseconds)
    }

    func write(to block: Block) {
        block.fill(0..<Self.byteCount)
        block.store(LogFormat.identityMagic, at: 0)
        block.store(LogFormat.version, at: 8)
        block.store(tag, at: 12)
        block.store(epoch.rawValue, at: 16)
        block.store(key0, at: 24)
        block.store(key1, at: 32)
        block.store(createdMicroseconds, at: 40)
        block.store(block.checksum(0..<60), at: 60)
    }

    enum Refusal: Error, Equatable {
        case notALog
        case newerVersion(UInt32)
        case damaged
    }

    init(
        epoch: Epoch, tag: UInt32, key0: UInt64, key1: UInt64, createdMicroseconds: Int64
    ) {
        self.epoch = epoch
        self.tag = tag
        self.key0 = key0
        self.key1 = key1
        self.createdMicroseconds = createdMicroseconds
    }

    init(parsing block: Block, byteCount: Int) throws(Refusal) {
        guard byteCount >= 12, block.load(0, as: UInt64.self) == LogFormat.identityMagic else { throw .notALog }
        let version = block.load(8, as: UInt32.self)
        guard version <= LogFormat.version else { throw .newerVersion(version) }
        guard byteCount == Self.byteCount, block.load(60, as: UInt32.self) == block.checksum(0..<60) else {
            throw .damaged
        }
        tag = block.load(12)
        epoch = Epoch(rawValue: block.load(16))
        key0 = block.load(24)
        key1 = block.load(32)
        createdMicroseconds = block.load(40)
    }
}

/// A segment's file name: its first sequence number, and how many segments began there before it.
struct SegmentName: Comparable, Hashable {
    var firstSequence: UInt64
    var generation: UInt32

    static let ending = ".segment"

    var text: String { Self.padded(firstSequence, 20) + "-" + Self.padded(UInt64(generation), 4) + Self.ending }

    private static func padded(_ number: UInt64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    init(firstSequence: UInt64, generation: UInt32) {
        self.firstSequence = firstSequence
        self.generation = generation
    }

    init?(_ text: String) {
        guard text.hasSuffix(Self.ending) else { return nil }
        let parts = text.dropLast(Self.ending.count).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let first = UInt64(parts[0]), let generation = UInt32(parts[1]) else { return nil }
        self.init(firstSequence: first, generation: generation)
        guard self.text == text else { return nil }
    }

    static func < (a: SegmentName, b: SegmentName) -> Bool {
        (a.firstSequence, a.generation) < (b.firstSequence, b.generation)
    }
}

/// The first 64 bytes of a segment.
struct SegmentHeader {
    static let byteCount = 64

    var epoch: Epoch
    var firstSequence: UInt64
    var createdMicroseconds: Int64
    /// Whether messages were acknowledged only when they were on disk.
    var isSynchronous: Bool

    func write(to block: Block, at offset: Int) {
        block.fill(offset..<offset + Self.byteCount)
        block.store(LogFormat.segmentMagic, at: offset)
        block.store(LogFormat.version, at: offset + 8)
        block.store(UInt32(isSynchronous ? 1 : 0), at: offset + 12)
        block.store(epoch.rawValue, at: offset + 16)
        block.store(firstSequence, at: offset + 24)
        block.store(createdMicroseconds, at: offset + 32)
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
    }
}
