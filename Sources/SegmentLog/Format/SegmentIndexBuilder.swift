import Arenas
import PubSub

/// Gathers a segment's index while its records are walked over, and writes it. On the log's own threads only: it
/// allocates as it grows.
struct SegmentIndexBuilder: ~Copyable {
    private struct Message {
        var sequence: UInt64
        var offset: Int
        var topic: Int
    }

    private struct Topic {
        var count = 0
        var bytes = 0
        var firstMicroseconds: Int64 = 0
        var first: UInt64 = 0
        var last: UInt64 = 0
        var id: TopicID
    }

    private var messages: [Message] = []
    private var topics: [Topic] = []
    private let names: NameTable
    private let hash: KeyedHash
    private var controls: [Int] = []
    private var keys: [(hash: IdempotencyHash, sequence: UInt64, time: Int64)] = []
    private var damage: [DamagedRange] = []
    private var firstMicroseconds: Int64 = 0
    private var lastMicroseconds: Int64 = 0
    private var messageBytes = 0
    /// The newest message's sequence number before the segment, until it has one.
    private(set) var lastSequence: UInt64

    init(hash: KeyedHash, before sequence: UInt64) {
        self.hash = hash
        lastSequence = sequence
        names = NameTable(hash: hash)
    }

    var messageCount: Int { messages.count }

    /// Where the first message stands.
    var firstOffset: Int? { messages.first?.offset }

    /// - Parameter scheduleNumber: of a message that waits.
    mutating func add(_ header: RecordHeader, topic name: Span<UInt8>, offset: Int, scheduleNumber: UInt64 = 0) {
        if let hash = header.idempotency {
            let sequence = header.kind == .message ? header.sequence : scheduleNumber | LogState.scheduledMark
            keys.append((hash, sequence, header.timeMicroseconds))
        }
        lastMicroseconds = max(lastMicroseconds, header.timeMicroseconds)
        guard header.kind == .message else {
            controls.append(offset)
            lastSequence = max(lastSequence, header.sequence)
            return
        }
        let id = names.id(of: name)
        let index = Int(id.rawValue)
        if index == topics.count { topics.append(Topic(firstMicroseconds: header.timeMicroseconds, id: id)) }
        let bytes = header.messageRange.count
        if topics[index].count == 0 { topics[index].first = header.sequence }
        topics[index].last = header.sequence
        topics[index].count += 1
        topics[index].bytes += bytes
        messageBytes += bytes
        if messages.isEmpty { firstMicroseconds = header.timeMicroseconds }
        messages.append(Message(sequence: header.sequence, offset: offset, topic: index))
        lastSequence = header.sequence
    }

    /// Numbers that are lost are not given again.
    mutating func add(_ range: DamagedRange) {
        damage.append(range)
        lastSequence = max(lastSequence, range.last)
    }

    /// Writes the index into `block`, from `start` on.
    /// - Returns: the segment, and how many bytes were written.
    mutating func finish(
        _ name: SegmentName, dataEnd: Int, wasRecovered: Bool, wasCutOff: Bool, replaces: UInt32? = nil,
        to block: Block, at start: Int
    ) -> (segment: SealedSegment, byteCount: Int) {
        var segment = SealedSegment(name: name)
        segment.firstSequence = messages.first?.sequence ?? lastSequence
        segment.lastSequence = lastSequence
        segment.firstMicroseconds = messages.isEmpty ? lastMicroseconds : firstMicroseconds
        segment.lastMicroseconds = lastMicroseconds
        segment.messageCount = messages.count
        segment.messageBytes = messageBytes
        segment.dataEnd = dataEnd
        segment.topicCount = topics.count
        segment.nameBytes = names.pool.byteCount
        segment.controlCount = controls.count
        segment.keyCount = keys.count
        segment.damageCount = damage.count
        segment.wasRecovered = wasRecovered
        segment.wasCutOff = wasCutOff
        segment.replaces = replaces
        segment.fileBytes = segment.trailerOffset + SealedSegment.trailerBytes
        let shift = start - dataEnd
        block.reserve(start + segment.fileBytes - dataEnd)
        block.fill(start..<start + segment.fileBytes - dataEnd)
        writeTables(segment, to: block, shift: shift)
        writeRest(segment, to: block, shift: shift)
        segment.writeTrailer(
            to: block, at: segment.trailerOffset + shift,
            tables: segment.tableOffset + shift..<segment.directoryOffset + shift,
            rest: segment.directoryOffset + shift..<segment.trailerOffset + shift)
        return (segment, segment.fileBytes - dataEnd)
    }

    private func writeTables(_ segment: SealedSegment, to block: Block, shift: Int) {
        var next: [Int] = []
        var total = 0
        for topic in topics {
            next.append(total)
            total += topic.count
        }
        for (index, message) in messages.enumerated() {
            let delta = UInt32(truncatingIfNeeded: message.sequence - segment.firstSequence)
            let table = segment.tableOffset + shift + index * SealedSegment.tableEntryBytes
            block.store(delta, at: table)
            block.store(UInt32(message.offset), at: table + 4)
            let posting = segment.postingsOffset + shift + next[message.topic] * SealedSegment.tableEntryBytes
            block.store(delta, at: posting)
            block.store(UInt32(message.offset), at: posting + 4)
            next[message.topic] += 1
        }
    }

    private func writeRest(_ segment: SealedSegment, to block: Block, shift: Int) {
        let namesStart = segment.namesOffset + shift
        var postings = 0
        var nameOffset = 0
        var entries: [DirectoryEntry] = []
        for topic in topics {
            let nameByteCount = names.copy(topic.id, to: block, at: namesStart + nameOffset)
            entries.append(
                DirectoryEntry(
                    hash: hash.hash(
                        block.span(namesStart + nameOffset..<namesStart + nameOffset + nameByteCount)),
                    bytes: topic.bytes, firstMicroseconds: topic.firstMicroseconds,
                    postings: postings, count: topic.count, nameOffset: nameOffset, nameByteCount: nameByteCount,
                    firstDelta: UInt32(truncatingIfNeeded: topic.first - segment.firstSequence),
                    lastDelta: UInt32(truncatingIfNeeded: topic.last - segment.firstSequence)))
            postings += topic.count
            nameOffset += nameByteCount
        }
        entries.sort { $0.hash < $1.hash }
        for (index, entry) in entries.enumerated() {
            entry.write(to: block, at: segment.directoryOffset + shift + index * SealedSegment.directoryEntryBytes)
        }
        for (index, offset) in controls.enumerated() {
            block.store(UInt32(offset), at: segment.controlsOffset + shift + index * 4)
        }
        for (index, key) in keys.enumerated() {
            let offset = segment.keysOffset + shift + index * SealedSegment.keyBytes
            block.store(key.hash.high, at: offset)
            block.store(key.hash.low, at: offset + 8)
            block.store(key.sequence, at: offset + 16)
            block.store(key.time, at: offset + 24)
        }
        for (index, range) in damage.enumerated() {
            let offset = segment.damageOffset + shift + index * SealedSegment.damageBytes
            block.store(range.first, at: offset)
            block.store(range.last, at: offset + 8)
        }
    }
}

/// The distinct topic names of one segment; the first gets the id 0, and so on.
private final class NameTable {
    var pool: InternPool

    init(hash: KeyedHash) { pool = InternPool(maximumCount: 1 << 30, maximumBytes: 1 << 40, hash: hash) }

    deinit { for index in 0..<pool.indexBound { _ = pool.release(TopicID(rawValue: UInt32(index))) } }

    /// - Returns: how many bytes the name has.
    func copy(_ id: TopicID, to block: Block, at offset: Int) -> Int { pool.copy(id, to: block, at: offset) }

    func id(of name: Span<UInt8>) -> TopicID {
        if let known = pool.lookup(name) { return known }
        do throws(InternError) { return try pool.intern(name) } catch { fatalError("more names than a segment holds") }
    }
}

extension InternPool {
    fileprivate func copy(_ id: TopicID, to block: Block, at offset: Int) -> Int {
        let name = bytes(of: id)
        block.store(name, at: offset)
        return name.count
    }
}
