import Arenas
import PubSub

/// Gives a segment that is written to its end its index. On the log's own threads only.
struct SegmentSealer {
    let storage: any LogStorage
    let identity: LogIdentity

    struct Result {
        var segment: SealedSegment
        /// Ranges of messages that are damaged.
        var damage: [DamagedRange] = []
        /// Bytes behind the last whole append that were cut off.
        var tornBytes = 0
        /// Whether messages of it may have been acknowledged that are not there, and are not known to be lost.
        var wasCutOff = false
    }

    var hash: KeyedHash { identity.hash }

    /// Reads a segment's trailer; nil where it has none, or its index is damaged: then it can be made anew.
    func sealed(_ name: SegmentName) throws(StorageError) -> SealedSegment? {
        let window = FileWindow(storage: storage, smallestAhead: 4096, largestAhead: 4096)
        try window.open(name.text)
        guard let file = window.file else { return nil }
        let size = try storage.size(of: file)
        let trailer = size - SealedSegment.trailerBytes
        guard trailer >= SegmentHeader.byteCount, let at = try window.bring(trailer, SealedSegment.trailerBytes) else {
            return nil
        }
        guard let segment = SealedSegment(parsing: window.block, at: at, name: name, fileBytes: size) else {
            return nil
        }
        let tables = SealedSegment.tablesChecksum(in: window.block, at: at)
        let wanted = SealedSegment.restChecksum(in: window.block, at: at)
        let count = segment.trailerOffset - segment.tableOffset
        let split = segment.directoryOffset - segment.tableOffset
        let rest = FileWindow(storage: storage, smallestAhead: max(count, 1), largestAhead: max(count, 1))
        try rest.open(name.text)
        guard let start = try rest.bring(segment.tableOffset, count),
            rest.block.checksum(start..<start + split) == tables,
            rest.block.checksum(start + split..<start + count) == wanted
        else { return nil }
        return segment
    }

    /// A segment's header; nil where it is damaged.
    func header(_ name: SegmentName) throws(StorageError) -> SegmentHeader? {
        let window = FileWindow(storage: storage, smallestAhead: 4096, largestAhead: 4096)
        try window.open(name.text)
        guard let at = try window.bring(0, SegmentHeader.byteCount) else { return nil }
        return SegmentHeader(parsing: window.block, at: at, epoch: identity.epoch)
    }

    /// Walks over a segment and writes its index.
    /// - Parameter closing: what is known of its end; nil where its writing was cut off.
    func seal(_ name: SegmentName, _ closing: SegmentClosing?) throws(StorageError) -> Result {
        let window = FileWindow(storage: storage, smallestAhead: 256 << 10, largestAhead: 1 << 20)
        try window.open(name.text)
        guard let file = window.file else { preconditionFailure("no file is open") }
        let limit: Int
        if let dataEnd = closing?.dataEnd { limit = dataEnd } else { limit = try storage.size(of: file) }
        let before = name.firstSequence == 0 ? 0 : name.firstSequence - 1
        var builder = SegmentIndexBuilder(hash: hash, before: before)
        var result = Result(segment: SealedSegment(name: name))
        var header: SegmentHeader?
        if limit >= SegmentHeader.byteCount, let at = try window.bring(0, SegmentHeader.byteCount) {
            header = SegmentHeader(parsing: window.block, at: at, epoch: identity.epoch)
        }
        let keepsParts = closing != nil || header?.isSynchronous ?? true
        var end = try scan(window, limit, isClosed: closing != nil, keepsParts: keepsParts, &builder, &result)
        if let closing {
            try noteEnd(closing, window, limit, end, &builder, &result)
            end = closing.dataEnd ?? end
        } else {
            // A header that is damaged does not tell how messages were acknowledged.
            let isSynchronous = header?.isSynchronous ?? (end == SegmentHeader.byteCount)
            result.wasCutOff = !isSynchronous || mayBeClosed(limit, end, tornBytes: result.tornBytes)
        }
        if closing?.dataEnd == nil { try writeAnew(window, file, end) }
        let index = Block(capacity: 64 << 10)
        let (segment, byteCount) = builder.finish(
            name, dataEnd: end, wasRecovered: closing == nil, wasCutOff: result.wasCutOff, to: index, at: 0)
        // The trailer comes last, behind what it vouches for: whoever finds it need not ask whether the rest is on disk.
        let trailer = byteCount - SealedSegment.trailerBytes
        try storage.write(file, at: end, from: index, 0..<trailer)
        try storage.truncate(file, to: end + trailer)
        try storage.synchronize(file)
        try storage.write(file, at: end + trailer, from: index, trailer..<byteCount)
        try storage.synchronize(file)
        result.segment = segment
        return result
    }

    /// Notes what is missing at the end of a segment that was closed.
    private func noteEnd(
        _ closing: SegmentClosing, _ window: FileWindow, _ limit: Int, _ end: Int,
        _ builder: inout SegmentIndexBuilder, _ result: inout Result
    ) throws(StorageError) {
        let readable = builder.lastSequence
        var isWhole = end == limit
        // Where the trailer does not say it, a table that begins there does: with the first message's place.
        if closing.dataEnd == nil, let first = builder.firstOffset, let at = try window.bring(end, 8) {
            isWhole = window.block.load(at, as: UInt64.self) == UInt64(first) << 32
        }
        if isWhole, closing.lastSequence == nil { return }
        let last = closing.lastSequence(readable: readable, end: end, limit: limit)
        if last > readable { note(DamagedRange(first: readable + 1, last: last), &builder, &result) }
        result.wasCutOff = closing.lastSequence == nil
    }

    /// Whether a segment of which nothing says that it was closed may have been all the same: bytes stand where its trailer
    /// would, or it was cut to a length that no file is made with.
    private func mayBeClosed(_ fileBytes: Int, _ end: Int, tornBytes: Int) -> Bool {
        let reachesTrailer = tornBytes > 0 && end + tornBytes > fileBytes - SealedSegment.trailerBytes
        return reachesTrailer || fileBytes % Self.pageBytes != 0
    }

    /// Files are made with whole pages, but for those of one large append.
    private static let pageBytes = 4096

    /// What stands there may be in the system's memory only, though it reads well: a process that ended because
    /// `fdatasync` failed leaves pages behind that the system takes for written. Written once more, they are.
    private func writeAnew(_ window: FileWindow, _ file: StorageFile, _ end: Int) throws(StorageError) {
        var offset = 0
        while offset < end {
            let count = min(1 << 20, end - offset)
            guard let at = try window.bring(offset, count) else { return }
            try storage.write(file, at: offset, from: window.block, at..<at + count)
            offset += count
        }
    }

    private func scan(
        _ window: FileWindow, _ limit: Int, isClosed: Bool, keepsParts: Bool, _ builder: inout SegmentIndexBuilder,
        _ result: inout Result
    ) throws(StorageError) -> Int {
        var scanner = SegmentScanner(window: window, tag: identity.tag, limit: limit, isClosed: isClosed)
        var isBehindDamage = false
        // An append is taken whole: its records wait until its last has been seen.
        var pending: [(RecordHeader, Int)] = []
        // Behind a hole in a segment that was not synchronized commit by commit the rest of an append may stand.
        var isInsideHalf = false
        while true {
            switch try scanner.next() {
            case .record(let header, let offset):
                if isBehindDamage {
                    let first = builder.lastSequence + 1
                    let last = header.kind == .message ? header.sequence &- 1 : header.sequence
                    if first <= last { note(DamagedRange(first: first, last: last), &builder, &result) }
                    isBehindDamage = false
                }
                if isInsideHalf {
                    isInsideHalf = header.continues
                    try drop([(header, offset)], window)
                    isBehindDamage = true
                    continue
                }
                pending.append((header, offset))
                if !header.continues { try add(&pending, window, &builder) }
            case .damage:
                // What stands before it of an append that was whole once is read on.
                if keepsParts {
                    try add(&pending, window, &builder)
                } else {
                    try drop(pending, window)
                    pending.removeAll(keepingCapacity: true)
                    isInsideHalf = true
                }
                isBehindDamage = true
            case .end(let end, let tornBytes):
                result.tornBytes = tornBytes
                if isClosed { try add(&pending, window, &builder) }
                return end
            }
        }
    }

    /// Has records of an append that is not whole never be taken for messages again.
    private func drop(_ records: [(RecordHeader, Int)], _ window: FileWindow) throws(StorageError) {
        guard let file = window.file else { return }
        let zeroes = Block(capacity: 4)
        for (_, offset) in records { try storage.write(file, at: offset, from: zeroes, 0..<4) }
        window.forget()
    }

    private func note(_ range: DamagedRange, _ builder: inout SegmentIndexBuilder, _ result: inout Result) {
        builder.add(range)
        result.damage.append(range)
    }

    private func add(
        _ pending: inout [(RecordHeader, Int)], _ window: FileWindow, _ builder: inout SegmentIndexBuilder
    ) throws(StorageError) {
        for (header, offset) in pending {
            let topic = offset + header.topicRange.lowerBound
            let block = window.block
            var number: UInt64 = 0
            if header.kind == .scheduled, header.messageRange.count >= ScheduledPayload.byteCount,
                let payload = try window.bring(offset + header.messageRange.lowerBound, ScheduledPayload.byteCount)
            {
                number = block.load(payload)
            }
            guard let at = try window.bring(topic, header.topicByteCount) else { continue }
            builder.add(
                header, topic: block.span(at..<at + header.topicByteCount), offset: offset, scheduleNumber: number)
        }
        pending.removeAll(keepingCapacity: true)
    }
}
