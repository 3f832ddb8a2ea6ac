import PubSub

/// Walks over all records of a segment as they stand, without its index: what recovery, sealing, `verify` and `dump` see.
///
/// Where a record is not valid it tells apart two things. A *torn tail* was being written when the power went; nothing
/// behind it was synchronized, so nothing of it was acknowledged, and it ends the segment. *Damage* has a later write
/// behind it: a write begins only when the one before it is on disk, so what is missing was there once. It is skipped.
/// Of a segment that was closed all was there once.
struct SegmentScanner {
    enum Step {
        case record(RecordHeader, offset: Int)
        /// Bytes that are no record any more.
        case damage(Range<Int>)
        /// Nothing more; records that can be read end here. `tornBytes` follow that were never acknowledged.
        case end(Int, tornBytes: Int)
    }

    let window: FileWindow
    let tag: UInt32
    /// Records stand before this.
    let limit: Int
    /// Whether nothing of it can be torn.
    let isClosed: Bool
    private var offset = SegmentHeader.byteCount
    private var lastSequence: UInt64 = 0
    private var firstSequence: UInt64?
    /// The end of the last whole append.
    private var appendEnd = SegmentHeader.byteCount
    private var continues = false

    init(window: FileWindow, tag: UInt32, limit: Int, isClosed: Bool) {
        self.window = window
        self.tag = tag
        self.limit = limit
        self.isClosed = isClosed
    }

    mutating func next() throws(StorageError) -> Step {
        if let header = try valid(at: offset) {
            let at = offset
            offset += header.storedBytes
            lastSequence = header.sequence
            firstSequence = firstSequence ?? header.sequence
            if !header.continues { appendEnd = offset }
            continues = header.continues
            return .record(header, offset: at)
        }
        if let next = try findBehind(offset), isClosed ? true : try provesDamage(from: next, of: offset) {
            let range = offset..<next
            offset = next
            appendEnd = next
            continues = false
            return .damage(range)
        }
        if isClosed { return .end(offset, tornBytes: 0) }
        return .end(appendEnd, tornBytes: try tornBytes())
    }

    /// A record that fits the ones before it.
    private func valid(at offset: Int) throws(StorageError) -> RecordHeader? {
        guard offset + RecordHeader.byteCount <= limit, let (header, _) = try window.record(at: offset, tag: tag),
            offset + header.storedBytes <= RecordHeader.padded(limit), header.sequence >= lastSequence,
            Int(header.batchOffset) <= offset,
            header.sequence - (firstSequence ?? header.sequence) <= LogFormat.largestDelta
        else { return nil }
        return header
    }

    /// The next place behind `broken` where a valid record stands.
    private func findBehind(_ broken: Int) throws(StorageError) -> Int? {
        var place = broken + 8
        while place + RecordHeader.byteCount <= limit {
            guard let at = try window.bring(place, RecordHeader.byteCount) else { return nil }
            if RecordHeader.claimedByteCount(in: window.block, at: at, tag: tag) != nil, try valid(at: place) != nil {
                return place
            }
            place += 8
        }
        return nil
    }

    /// Whether a record from `start` on was written by a call that began behind the broken place.
    private func provesDamage(from start: Int, of broken: Int) throws(StorageError) -> Bool {
        var place: Int? = start
        while let found = place {
            if let header = try valid(at: found) {
                if Int(header.batchOffset) > broken { return true }
                place = found + header.storedBytes
            } else {
                place = try findBehind(found)
            }
        }
        return false
    }

    /// Bytes behind the end that are not zero, up to the last of them: what was being written.
    private func tornBytes() throws(StorageError) -> Int {
        var last = appendEnd
        var place = appendEnd
        while place + 8 <= limit, let at = try window.bring(place, 8) {
            if window.block.load(at, as: UInt64.self) != 0 { last = place + 8 }
            place += 8
        }
        return last - appendEnd
    }
}
