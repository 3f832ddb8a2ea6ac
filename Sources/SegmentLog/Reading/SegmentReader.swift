import Arenas
import PubSub

/// Finds messages in one sealed segment at a time, by their place in the sequence, by topic or by time. One thread at a
/// time; the file stays open until another segment is looked at.
final class SegmentReader {
    private let identity: LogIdentity
    private let data: FileWindow
    private let index: FileWindow
    private(set) var segment: SealedSegment?
    /// Where a read by sequence that follows the last one goes on.
    private var resume: (position: UInt64, offset: Int)?
    private let hash: KeyedHash
    /// What the segment's index knows to be lost.
    private var damage: [DamagedRange] = []

    /// The index is read in pieces of a page; the records in pieces that grow while a read goes on.
    private static let indexBytes = 4096
    private static let largestDataBytes = 512 << 10

    init(storage: any LogStorage, identity: LogIdentity) {
        self.identity = identity
        hash = identity.hash
        data = FileWindow(storage: storage, smallestAhead: 8192, largestAhead: Self.largestDataBytes)
        index = FileWindow(storage: storage, smallestAhead: Self.indexBytes, largestAhead: 64 << 10)
    }

    /// Turns to a segment.
    func open(_ segment: SealedSegment) throws(StorageError) {
        guard self.segment != segment else { return }
        close()
        try data.open(segment.name.text)
        try index.open(segment.name.text)
        self.segment = segment
        // What is missing before it is told by whoever reads into it.
        if let lost = segment.lostBefore { damage.append(lost) }
        for number in 0..<segment.damageCount {
            let offset = segment.damageOffset + number * SealedSegment.damageBytes
            guard let at = try index.bring(offset, SealedSegment.damageBytes) else { break }
            let range = DamagedRange(first: index.block.load(at), last: index.block.load(at + 8))
            if range.first <= range.last, range.last <= segment.lastSequence { damage.append(range) }
        }
    }

    /// What is known to be lost between two messages that are there; nil where nothing is.
    private func knownDamage(behind position: UInt64, before sequence: UInt64) -> UInt64? {
        damage.first { $0.last > position && $0.first < sequence }?.last
    }

    func close() {
        data.close()
        index.close()
        segment = nil
        resume = nil
        damage.removeAll(keepingCapacity: true)
    }

    /// A record, and what its bytes are; they are good until the reader is next asked.
    struct Found {
        var header: RecordHeader
        var at: Int
    }

    func topic(of found: Found) -> Range<Int> {
        found.at + found.header.topicRange.lowerBound..<found.at + found.header.topicRange.upperBound
    }

    func message(of found: Found) -> Range<Int> {
        found.at + found.header.messageRange.lowerBound..<found.at + found.header.messageRange.upperBound
    }

    var block: Block { data.block }

    // MARK: By sequence

    /// Walks over the messages behind a position.
    struct Walk {
        /// Everything up to here was seen.
        var position: UInt64
        fileprivate var offset: Int
    }

    func walk(after position: UInt64) throws(StorageError) -> Walk? {
        guard let segment else { return nil }
        if let resume, resume.position == position { return Walk(position: position, offset: resume.offset) }
        guard let entry = try firstEntry(behind: position, at: segment.tableOffset, count: segment.messageCount) else {
            // Behind its last message it may know of some that are lost.
            return damage.isEmpty ? nil : Walk(position: position, offset: segment.dataEnd)
        }
        return Walk(position: position, offset: entry.offset)
    }

    enum Step {
        case message(Found)
        /// Messages up to here cannot be read.
        case damaged(through: UInt64)
        case end
    }

    func next(_ walk: inout Walk) throws(StorageError) -> Step {
        guard let segment else { return .end }
        while walk.offset < segment.dataEnd {
            guard let (header, at) = try data.record(at: walk.offset, tag: identity.tag),
                header.sequence > walk.position || header.kind != .message
            else { return try damaged(&walk, segment) }
            if header.kind == .message, let lost = knownDamage(behind: walk.position, before: header.sequence) {
                walk.position = lost
                return .damaged(through: lost)
            }
            walk.offset += header.storedBytes
            guard header.kind == .message else { continue }
            walk.position = header.sequence
            resume = (walk.position, walk.offset)
            return .message(Found(header: header, at: at))
        }
        if let lost = knownDamage(behind: walk.position, before: .max) {
            walk.position = lost
            return .damaged(through: lost)
        }
        return .end
    }

    /// The record at the walk's place is not there: goes on with the next message that the table knows.
    private func damaged(_ walk: inout Walk, _ segment: SealedSegment) throws(StorageError) -> Step {
        var low = 0
        var high = segment.messageCount
        while low < high {
            let middle = (low + high) / 2
            let entry = try entry(middle, at: segment.tableOffset, segment)
            if entry.offset > walk.offset { high = middle } else { low = middle + 1 }
        }
        let through: UInt64
        if low < segment.messageCount {
            let entry = try entry(low, at: segment.tableOffset, segment)
            walk.offset = entry.offset
            through = entry.sequence - 1
        } else {
            walk.offset = segment.dataEnd
            through = segment.lastSequence
        }
        guard through > walk.position else { return try next(&walk) }
        walk.position = through
        return .damaged(through: through)
    }

    // MARK: By topic

    /// Walks over a topic's messages behind a position.
    struct TopicWalk {
        fileprivate var next: Int
        fileprivate let end: Int
        fileprivate var position: UInt64
    }

    /// - Returns: nil where the segment has none.
    func walk(_ topic: Span<UInt8>, after position: UInt64) throws(StorageError) -> TopicWalk? {
        guard let segment else { return nil }
        // Whose message was lost nobody knows: a topic that has none here may have had one.
        let nothing = damage.isEmpty ? nil : TopicWalk(next: 0, end: 0, position: position)
        guard let entry = try directoryEntry(topic) else { return nothing }
        let start = segment.postingsOffset + entry.postings * SealedSegment.tableEntryBytes
        guard let first = try firstEntry(behind: position, at: start, count: entry.count) else { return nothing }
        return TopicWalk(next: entry.postings + first.index, end: entry.postings + entry.count, position: position)
    }

    func next(_ walk: inout TopicWalk) throws(StorageError) -> Step {
        guard let segment else { return .end }
        guard walk.next < walk.end else {
            guard let lost = knownDamage(behind: walk.position, before: .max) else { return .end }
            walk.position = lost
            return .damaged(through: lost)
        }
        let entry = try entry(walk.next, at: segment.postingsOffset, segment)
        if let lost = knownDamage(behind: walk.position, before: entry.sequence) {
            walk.position = lost
            return .damaged(through: lost)
        }
        walk.next += 1
        walk.position = entry.sequence
        guard entry.sequence <= segment.lastSequence else { return .damaged(through: segment.lastSequence) }
        guard let (header, at) = try data.record(at: entry.offset, tag: identity.tag), header.sequence == entry.sequence
        else { return .damaged(through: entry.sequence) }
        return .message(Found(header: header, at: at))
    }

    /// A topic's entry in the directory, by its name's hash.
    func directoryEntry(_ topic: Span<UInt8>) throws(StorageError) -> DirectoryEntry? {
        guard let segment else { return nil }
        let wanted = hash.hash(topic)
        var low = 0
        var high = segment.topicCount
        while low < high {
            let middle = (low + high) / 2
            guard let entry = try directoryEntry(middle) else { return nil }
            if entry.hash < wanted { low = middle + 1 } else { high = middle }
        }
        while low < segment.topicCount, let entry = try directoryEntry(low), entry.hash == wanted {
            if try isNamed(entry, topic) { return entry }
            low += 1
        }
        return nil
    }

    func directoryEntry(_ number: Int) throws(StorageError) -> DirectoryEntry? {
        guard let segment else { return nil }
        let offset = segment.directoryOffset + number * SealedSegment.directoryEntryBytes
        guard let at = try index.bring(offset, SealedSegment.directoryEntryBytes) else { return nil }
        return DirectoryEntry(parsing: index.block, at: at)
    }

    private func isNamed(_ entry: DirectoryEntry, _ topic: Span<UInt8>) throws(StorageError) -> Bool {
        guard let segment, entry.nameByteCount == topic.count,
            let at = try index.bring(segment.namesOffset + entry.nameOffset, entry.nameByteCount)
        else { return false }
        let block = index.block
        let name = block.span(at..<at + entry.nameByteCount)
        for place in name.indices where name[place] != topic[place] { return false }
        return true
    }

    // MARK: By time

    /// The position behind which the first message stands that is not older than `microseconds`.
    func position(notBefore microseconds: Int64) throws(StorageError) -> UInt64 {
        guard let segment else { return 0 }
        var low = 0
        var high = segment.messageCount
        while low < high {
            let middle = (low + high) / 2
            let entry = try entry(middle, at: segment.tableOffset, segment)
            guard let (header, _) = try data.record(at: entry.offset, tag: identity.tag) else {
                low = middle + 1
                continue
            }
            if header.timeMicroseconds < microseconds { low = middle + 1 } else { high = middle }
        }
        guard low < segment.messageCount else { return segment.lastSequence }
        return try entry(low, at: segment.tableOffset, segment).sequence - 1
    }

    // MARK: Tables

    private func entry(
        _ number: Int, at offset: Int, _ segment: SealedSegment
    ) throws(StorageError) -> (sequence: UInt64, offset: Int) {
        guard let at = try index.bring(offset + number * SealedSegment.tableEntryBytes, SealedSegment.tableEntryBytes)
        else { throw StorageError(number: 0, call: "index", file: segment.name.text) }
        let delta = index.block.load(at, as: UInt32.self)
        return (segment.firstSequence + UInt64(delta), Int(index.block.load(at + 4, as: UInt32.self)))
    }

    private func firstEntry(
        behind position: UInt64, at offset: Int, count: Int
    ) throws(StorageError) -> (index: Int, offset: Int)? {
        guard let segment else { return nil }
        var low = 0
        var high = count
        // Mostly every sequence number from the first on is there.
        if position >= segment.firstSequence, position - segment.firstSequence < UInt64(count) {
            let guess = Int(position - segment.firstSequence)
            if try entry(guess, at: offset, segment).sequence == position { low = guess + 1 }
            if low < count, try entry(low, at: offset, segment).sequence == position + 1 { high = low }
        }
        while low < high {
            let middle = (low + high) / 2
            if try entry(middle, at: offset, segment).sequence <= position { low = middle + 1 } else { high = middle }
        }
        guard low < count else { return nil }
        return (low, try entry(low, at: offset, segment).offset)
    }
}
