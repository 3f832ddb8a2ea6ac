/// What is known of a segment that is written to its end: where its index's sections stand.
///
/// The index follows the records: a table of all messages, the same by topic, a directory of topics with their names,
/// the records that are no messages, idempotency keys, and ranges that are damaged. A trailer ends the file.
struct SealedSegment: Equatable, Sendable {
    var name: SegmentName
    /// Of its messages; where it has none, both are the newest before it.
    var firstSequence: UInt64 = 0
    var lastSequence: UInt64 = 0
    var firstMicroseconds: Int64 = 0
    var lastMicroseconds: Int64 = 0
    var messageCount = 0
    var messageBytes = 0
    /// Where the records end and the index begins.
    var dataEnd = 0
    var fileBytes = 0
    var topicCount = 0
    var nameBytes = 0
    var controlCount = 0
    var keyCount = 0
    var damageCount = 0
    /// Ended by recovery rather than by the log that wrote it.
    var wasRecovered = false
    /// Messages behind it may have been acknowledged and lost; as long as it is the last, a start leaves numbers out.
    var wasCutOff = false
    /// Messages that stood before it and are not there; found out at the start, not written.
    var lostBefore: DamagedRange?
    /// The generation of the segment that this one was made from, with what was dead left out.
    var replaces: UInt32?

    /// Whether it knows of messages that are lost.
    var hasLosses: Bool { damageCount > 0 || lostBefore != nil }

    /// Whether it has idempotency keys that are still good.
    func hasKeys(since microseconds: Int64) -> Bool { keyCount > 0 && lastMicroseconds > microseconds }

    static let trailerBytes = 128
    static let tableEntryBytes = 8
    static let directoryEntryBytes = 48
    static let keyBytes = 32
    static let damageBytes = 16

    var tableOffset: Int { dataEnd }
    var postingsOffset: Int { tableOffset + messageCount * Self.tableEntryBytes }
    var directoryOffset: Int { postingsOffset + messageCount * Self.tableEntryBytes }
    var namesOffset: Int { directoryOffset + topicCount * Self.directoryEntryBytes }
    var controlsOffset: Int { namesOffset + RecordHeader.padded(nameBytes) }
    var keysOffset: Int { controlsOffset + RecordHeader.padded(controlCount * 4) }
    var damageOffset: Int { keysOffset + keyCount * Self.keyBytes }
    var trailerOffset: Int { damageOffset + damageCount * Self.damageBytes }

    /// Writes the trailer. `block` holds the index from the directory on at `index`.
    func writeTrailer(to block: Block, at offset: Int, tables: Range<Int>, rest: Range<Int>) {
        block.fill(offset..<offset + Self.trailerBytes)
        block.store(LogFormat.indexMagic, at: offset)
        block.store(LogFormat.version, at: offset + 8)
        block.store(UInt32(wasRecovered ? 1 : 0) | (wasCutOff ? 2 : 0), at: offset + 12)
        block.store(firstSequence, at: offset + 16)
        block.store(lastSequence, at: offset + 24)
        block.store(firstMicroseconds, at: offset + 32)
        block.store(lastMicroseconds, at: offset + 40)
        block.store(UInt64(messageCount), at: offset + 48)
        block.store(UInt64(messageBytes), at: offset + 56)
        block.store(UInt64(dataEnd), at: offset + 64)
        block.store(UInt32(topicCount), at: offset + 72)
        block.store(UInt32(nameBytes), at: offset + 76)
        block.store(UInt32(controlCount), at: offset + 80)
        block.store(UInt32(keyCount), at: offset + 84)
        block.store(UInt32(damageCount), at: offset + 88)
        block.store(block.checksum(tables), at: offset + 92)
        block.store(block.checksum(rest), at: offset + 96)
        block.store(replaces.map { $0 + 1 } ?? 0, at: offset + 100)
        block.store(block.checksum(offset..<offset + 124), at: offset + 124)
    }

    /// Parses the trailer at `offset` of `block`; nil where there is none, or a damaged one.
    /// - Parameter isChecked: whether its checksum has to hold. Without, that its sections fill the file tells a damaged
    ///   trailer from other bytes, and nothing but where they stand is to be relied on.
    init?(parsing block: Block, at offset: Int, name: SegmentName, fileBytes: Int, isChecked: Bool = true) {
        if isChecked {
            guard block.load(offset, as: UInt64.self) == LogFormat.indexMagic,
                block.load(offset + 124, as: UInt32.self) == block.checksum(offset..<offset + 124),
                block.load(offset + 8, as: UInt32.self) <= LogFormat.version
            else { return nil }
        }
        self.name = name
        self.fileBytes = fileBytes
        let flags = block.load(offset + 12, as: UInt32.self)
        wasRecovered = flags & 1 != 0
        wasCutOff = flags & 2 != 0
        firstSequence = block.load(offset + 16)
        lastSequence = block.load(offset + 24)
        firstMicroseconds = block.load(offset + 32)
        lastMicroseconds = block.load(offset + 40)
        messageCount = Int(truncatingIfNeeded: block.load(offset + 48, as: UInt64.self))
        messageBytes = Int(truncatingIfNeeded: block.load(offset + 56, as: UInt64.self))
        dataEnd = Int(truncatingIfNeeded: block.load(offset + 64, as: UInt64.self))
        topicCount = Int(block.load(offset + 72, as: UInt32.self))
        nameBytes = Int(block.load(offset + 76, as: UInt32.self))
        controlCount = Int(block.load(offset + 80, as: UInt32.self))
        keyCount = Int(block.load(offset + 84, as: UInt32.self))
        damageCount = Int(block.load(offset + 88, as: UInt32.self))
        let replaced = block.load(offset + 100, as: UInt32.self)
        replaces = replaced > 0 ? replaced - 1 : nil
        guard messageCount >= 0, messageCount <= fileBytes, messageBytes >= 0, messageBytes <= fileBytes,
            firstSequence <= lastSequence, lastSequence <= LogFormat.maximumSequence, lastMicroseconds >= 0,
            lastMicroseconds <= LogFormat.latestMicroseconds, dataEnd >= SegmentHeader.byteCount, dataEnd <= fileBytes,
            trailerOffset + Self.trailerBytes == fileBytes
        else { return nil }
    }

    init(name: SegmentName) { self.name = name }

    static func tablesChecksum(in block: Block, at trailer: Int) -> UInt32 { block.load(trailer + 92) }
    static func restChecksum(in block: Block, at trailer: Int) -> UInt32 { block.load(trailer + 96) }
}

/// Sequence numbers whose messages cannot be read any more.
struct DamagedRange: Equatable, Sendable {
    var first: UInt64
    var last: UInt64
}
