import PubSub

/// Writes records into segment files, one after the other. The log's writer thread only.
///
/// A file is given its room before it is written to, so that a full disk is met when a segment begins, not in the middle
/// of a commit. Records of one append stand in one file and are written by one call.
final class SegmentWriter {
    private let storage: any LogStorage
    private let identity: LogIdentity
    private let segmentBytes: Int
    private let isSynchronous: Bool
    private let spare: SpareFile
    private var active: ActiveSegment?
    /// What was written since the last `synchronize`.
    private(set) var isDirty = false
    private(set) var writtenBytes: UInt64 = 0
    /// The smallest part of a segment that a nearly full disk is asked for.
    private static let smallestPart = 16

    /// The newest message in the segments before the active one.
    var precedingSequence: UInt64 = 0
    private let header = Block(capacity: SegmentHeader.byteCount)

    struct ActiveSegment {
        var file: StorageFile
        var name: SegmentName
        /// Where the next record goes.
        var end: Int
        /// Bytes the file has room for.
        var allocatedBytes: Int
        /// The newest message's sequence number in it, or before it.
        var lastSequence: UInt64
    }

    init(storage: any LogStorage, identity: LogIdentity, segmentBytes: Int, isSynchronous: Bool, spare: SpareFile) {
        self.storage = storage
        self.spare = spare
        self.identity = identity
        self.segmentBytes = segmentBytes
        self.isSynchronous = isSynchronous
    }

    /// The file that is written to: its name, and how much of it is used.
    var activeBytes: Int { active?.allocatedBytes ?? 0 }

    /// What a write came to: how far its appends are in the files, and segments that are full.
    struct Progress {
        /// Every byte of the batch before here is written.
        var written = 0
        /// Segments that are full, synchronized and closed; to be sealed.
        var finished: [FinishedSegment] = []
        /// Up to here the batch stands in finished segments, and outlives a crash.
        var synchronizedTo = 0
    }

    /// Writes a batch from `progress.written` on.
    /// - Throws: `StorageError`; what `progress` tells is written, and nothing else stays.
    func write(_ batch: StagingBuffer, _ progress: inout Progress, nowMicroseconds: Int64) throws(StorageError) {
        while progress.written < batch.count {
            let append = appendEnd(in: batch, from: progress.written)
            if active == nil || active!.end + (append.end - progress.written) > active!.allocatedBytes {
                try roll(batch, &progress, firstBytes: append.end - progress.written, nowMicroseconds)
            }
            try writeRun(batch, &progress)
        }
    }

    /// The end of the append that begins at `start`.
    private func appendEnd(in batch: StagingBuffer, from start: Int) -> (end: Int, lastSequence: UInt64) {
        var offset = start
        while true {
            guard let record = RecordHeader(trusting: batch.block, at: offset) else {
                preconditionFailure("a staged record is not one")
            }
            offset += record.storedBytes
            if !record.continues { return (offset, record.sequence) }
        }
    }

    /// Writes as many appends as fit into the active segment, by one call.
    private func writeRun(_ batch: StagingBuffer, _ progress: inout Progress) throws(StorageError) {
        guard var segment = active else { preconditionFailure("no segment to write to") }
        let start = progress.written
        var end = start
        while end < batch.count {
            let append = appendEnd(in: batch, from: end)
            guard segment.end + (append.end - start) <= segment.allocatedBytes else { break }
            segment.lastSequence = max(segment.lastSequence, append.lastSequence)
            end = append.end
        }
        var offset = start
        while offset < end {
            guard let record = RecordHeader(trusting: batch.block, at: offset) else { break }
            RecordHeader.seal(in: batch.block, at: offset, batchOffset: segment.end)
            offset += record.storedBytes
        }
        isDirty = true
        do throws(StorageError) {
            try storage.write(segment.file, at: segment.end, from: batch.block, start..<end)
        } catch {
            try abandon(progress: &progress)
            throw error
        }
        segment.end += end - start
        active = segment
        writtenBytes += UInt64(end - start)
        progress.written = end
    }

    /// A write into the active segment failed: what may be there of it is cut off, and the segment ends.
    private func abandon(progress: inout Progress) throws(StorageError) {
        guard let segment = active else { return }
        try storage.truncate(segment.file, to: segment.end)
        try finishActive(&progress)
    }

    /// Ends the active segment and begins a new one.
    private func roll(
        _ batch: StagingBuffer, _ progress: inout Progress, firstBytes: Int, _ nowMicroseconds: Int64
    ) throws(StorageError) {
        var first = active.map { $0.lastSequence + 1 } ?? 0
        if let record = RecordHeader(trusting: batch.block, at: progress.written) {
            first = max(first, record.kind == .message ? record.sequence : record.sequence + 1)
        }
        try finishActive(&progress)
        try begin(firstSequence: first, firstBytes: firstBytes, nowMicroseconds)
    }

    /// Makes a new segment with room, so that the next write finds it.
    func prepare(firstSequence: UInt64, nowMicroseconds: Int64) throws(StorageError) {
        guard active == nil else { return }
        try begin(firstSequence: firstSequence, firstBytes: 0, nowMicroseconds)
    }

    private func begin(firstSequence: UInt64, firstBytes: Int, _ nowMicroseconds: Int64) throws(StorageError) {
        let name = try freeName(firstSequence)
        let least = SegmentHeader.byteCount + firstBytes
        let (file, byteCount) = try openFile(name, max(segmentBytes, least), atLeast: least)
        do throws(StorageError) {
            var first = SegmentHeader(
                epoch: identity.epoch, firstSequence: firstSequence, createdMicroseconds: nowMicroseconds,
                isSynchronous: isSynchronous)
            first.precedingSequence = precedingSequence
            first.write(to: header, at: 0)
            try storage.write(file, at: 0, from: header, 0..<SegmentHeader.byteCount)
            // What is acknowledged at once may be lost; that it may be is not.
            if !isSynchronous { try storage.synchronize(file) }
            isDirty = true
            try storage.synchronizeDirectory()
        } catch {
            storage.close(file)
            // Nothing of it is wanted; where it cannot be removed either, recovery finds it empty.
            try? storage.remove(name.text)
            throw error
        }
        active = ActiveSegment(
            file: file, name: name, end: SegmentHeader.byteCount, allocatedBytes: byteCount,
            lastSequence: firstSequence - 1)
    }

    /// A file with room: the spare one, where that is ready and large enough.
    private func openFile(
        _ name: SegmentName, _ wanted: Int, atLeast least: Int
    ) throws(StorageError) -> (StorageFile, Int) {
        if wanted <= spare.byteCount, let ready = spare.take() {
            do throws(StorageError) { try storage.rename(SpareFile.name, to: name.text) } catch {
                storage.close(ready.file)
                throw error
            }
            return (ready.file, ready.byteCount)
        }
        let file = try storage.open(name.text, creating: true)
        do throws(StorageError) { return (file, try allocate(file, wanted, atLeast: least)) } catch {
            storage.close(file)
            try? storage.remove(name.text)
            throw error
        }
    }

    /// Takes less where the disk has no room for a whole segment, but for a good part of one.
    private func allocate(_ file: StorageFile, _ wanted: Int, atLeast least: Int) throws(StorageError) -> Int {
        var byteCount = wanted
        while true {
            do throws(StorageError) {
                try storage.allocate(file, byteCount: byteCount)
                return byteCount
            } catch {
                guard error.meansFull, byteCount / 2 >= max(least, wanted / Self.smallestPart) else { throw error }
                byteCount /= 2
            }
        }
    }

    private func freeName(_ firstSequence: UInt64) throws(StorageError) -> SegmentName {
        var name = SegmentName(firstSequence: firstSequence, generation: 0)
        for text in try storage.list() {
            guard let other = SegmentName(text), other.firstSequence == firstSequence else { continue }
            name.generation = max(name.generation, other.generation + 1)
        }
        return name
    }

    /// Synchronizes and closes the active segment; nothing where there is none.
    func finishActive(_ progress: inout Progress) throws(StorageError) {
        guard let segment = active else { return }
        if segment.end == SegmentHeader.byteCount { return try removeEmpty(segment) }
        if isDirty { try synchronize() }
        storage.close(segment.file)
        active = nil
        precedingSequence = segment.lastSequence
        progress.finished.append(
            FinishedSegment(name: segment.name, dataEnd: segment.end, lastSequence: segment.lastSequence))
        progress.synchronizedTo = progress.written
    }

    private func removeEmpty(_ segment: ActiveSegment) throws(StorageError) {
        storage.close(segment.file)
        active = nil
        try storage.remove(segment.name.text)
    }

    /// When this returns, all that was written outlives a crash.
    func synchronize() throws(StorageError) {
        guard isDirty, let segment = active else { return }
        try storage.synchronize(segment.file)
        isDirty = false
    }

    /// Closes what is open, after a failure.
    func close() {
        guard let segment = active else { return }
        storage.close(segment.file)
        active = nil
    }
}

/// A segment that is written to its end and has no index yet.
struct FinishedSegment: Sendable {
    var name: SegmentName
    var dataEnd: Int
    var lastSequence: UInt64
}
