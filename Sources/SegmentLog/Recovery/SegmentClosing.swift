import PubSub

/// What shows that a segment was closed. Its records were synchronized before that, all of them: what cannot be read of
/// them is damaged, and no torn tail.
struct SegmentClosing: Equatable {
    /// Where its records end and its index begins; nil where that cannot be read any more.
    var dataEnd: Int?
    /// The newest sequence number of it, or before it; nil where nothing vouches for one.
    var lastSequence: UInt64?
    /// It had no later one: the next segment begins behind it.
    var latestSequence = LogFormat.maximumSequence

    /// The least that a message takes: the record's header, a name and a line.
    private static let smallestRecordBytes = RecordHeader.byteCount + 8

    init(dataEnd: Int?, lastSequence: UInt64?) {
        self.dataEnd = dataEnd
        self.lastSequence = lastSequence
    }

    init(_ segment: SealedSegment) { self.init(dataEnd: segment.dataEnd, lastSequence: segment.lastSequence) }

    init(_ segment: FinishedSegment) { self.init(dataEnd: segment.dataEnd, lastSequence: segment.lastSequence) }

    /// The newest sequence number that it can have had: the one that is known, or as many more than the last that can be
    /// read as fit into the bytes that cannot.
    /// - Parameters:
    ///   - readable: the newest that can be read.
    ///   - end: where the last record ends that can be read.
    ///   - limit: where records end at the latest.
    func lastSequence(readable: UInt64, end: Int, limit: Int) -> UInt64 {
        if let lastSequence { return max(lastSequence, readable) }
        let fitting = UInt64(max(0, limit - end) / Self.smallestRecordBytes)
        return max(readable, min(readable + fitting, latestSequence))
    }
}

extension SegmentSealer {
    /// What shows that a segment was closed: what is left of its trailer, or that another follows, which is begun only
    /// behind one that is synchronized.
    /// - Parameter following: the next segment; nil where there is none, or only what the trailer says is of use.
    /// - Returns: nil where nothing does.
    func closing(_ name: SegmentName, before following: SegmentName?) throws(StorageError) -> SegmentClosing? {
        var closing = try trailerClosing(name)
        guard let following, closing?.lastSequence == nil else { return closing }
        if let preceding = try header(following)?.precedingSequence, preceding > 0, preceding < following.firstSequence
        {
            closing = closing ?? SegmentClosing(dataEnd: nil, lastSequence: nil)
            closing?.lastSequence = preceding
        }
        closing?.latestSequence = following.firstSequence - 1
        return closing
    }

    private func trailerClosing(_ name: SegmentName) throws(StorageError) -> SegmentClosing? {
        let window = FileWindow(storage: storage, smallestAhead: 4096, largestAhead: 4096)
        try window.open(name.text)
        guard let file = window.file else { return nil }
        let size = try storage.size(of: file)
        let trailer = size - SealedSegment.trailerBytes
        guard trailer >= SegmentHeader.byteCount, let at = try window.bring(trailer, SealedSegment.trailerBytes) else {
            return nil
        }
        if let segment = SealedSegment(parsing: window.block, at: at, name: name, fileBytes: size) {
            return SegmentClosing(segment)
        }
        if let segment = SealedSegment(
            parsing: window.block, at: at, name: name, fileBytes: size, isChecked: false)
        {
            return SegmentClosing(dataEnd: segment.dataEnd, lastSequence: nil)
        }
        guard window.block.load(at, as: UInt64.self) == LogFormat.indexMagic else { return nil }
        return SegmentClosing(dataEnd: nil, lastSequence: nil)
    }
}

extension [SegmentName] {
    /// The one behind `name`, in their order.
    func following(_ name: SegmentName) -> SegmentName? { first { $0 > name } }
}
