import Arenas
import PubSub

/// From the files of a log to the state it goes on from. Once, before anything is served.
struct Recovery {
    let configuration: SegmentLogConfiguration
    let storage: any LogStorage
    let nowMicroseconds: Int64

    /// Sequence numbers left out after an end that may have lost messages whose cursors were given out already, so that
    /// none of them comes to mean another message.
    static let skippedSequences: UInt64 = 1 << 32

    enum Failure: Error {
        case storage(StorageError)
        case identity(LogIdentity.Refusal)
        case tooManyTopics
    }

    /// Reads the log's identity, or makes one where the directory is empty.
    func identity() throws(Failure) -> LogIdentity {
        let block = Block(capacity: 4096)
        let names: [String]
        var byteCount: Int?
        do throws(StorageError) {
            names = try storage.list()
            if names.contains(LogIdentity.fileName) { byteCount = try read(LogIdentity.fileName, into: block) }
        } catch {
            throw .storage(error)
        }
        if let identity = try parse(block, byteCount) { return identity }
        guard names.allSatisfy({ $0 == LogIdentity.temporaryName || $0 == "lost+found" }) else {
            throw .identity(.notALog)
        }
        do throws(StorageError) {
            // A start that was cut off may have left this one.
            if names.contains(LogIdentity.temporaryName) { try storage.remove(LogIdentity.temporaryName) }
            return try makeIdentity(block)
        } catch {
            throw .storage(error)
        }
    }

    /// The log's identity; nil where the directory has none.
    func existingIdentity() throws(Failure) -> LogIdentity? {
        let block = Block(capacity: 4096)
        var byteCount: Int?
        do throws(StorageError) {
            if try storage.list().contains(LogIdentity.fileName) {
                byteCount = try read(LogIdentity.fileName, into: block)
            }
        } catch {
            throw .storage(error)
        }
        return try parse(block, byteCount)
    }

    private func parse(_ block: Block, _ byteCount: Int?) throws(Failure) -> LogIdentity? {
        guard let byteCount else { return nil }
        do throws(LogIdentity.Refusal) { return try LogIdentity(parsing: block, byteCount: byteCount) } catch {
            throw .identity(error)
        }
    }

    private func read(_ name: String, into block: Block) throws(StorageError) -> Int {
        let file = try storage.open(name, creating: false)
        defer { storage.close(file) }
        return try storage.read(file, at: 0, into: block, 0..<block.capacity)
    }

    private func makeIdentity(_ block: Block) throws(StorageError) -> LogIdentity {
        let identity = LogIdentity.random(nowMicroseconds: nowMicroseconds)
        let file = try storage.open(LogIdentity.temporaryName, creating: true)
        defer { storage.close(file) }
        identity.write(to: block)
        try storage.write(file, at: 0, from: block, 0..<LogIdentity.byteCount)
        try storage.synchronize(file)
        try storage.rename(LogIdentity.temporaryName, to: LogIdentity.fileName)
        try storage.synchronizeDirectory()
        return identity
    }

    func recover(_ identity: LogIdentity) throws(Failure) -> RecoveredLog {
        var report = RecoveryReport()
        let segments: [SealedSegment]
        let wasCutOff: Bool
        let contents: SegmentContents
        do throws(StorageError) {
            (segments, wasCutOff) = try sealAll(identity, &report)
            contents = try SegmentContents(storage: storage, identity: identity).read(
                segments, since: nowMicroseconds - configuration.idempotencyWindowMicroseconds)
        } catch {
            throw .storage(error)
        }
        let log = LogState(configuration: configuration.window, epoch: identity.epoch, home: .disk)
        var recovered = RecoveredLog(log: log, catalog: SegmentCatalog(segments), report: report)
        let next = (segments.last?.lastSequence ?? 0) + 1 + (wasCutOff ? Self.skippedSequences : 0)
        recovered.log.restore(
            earliest: segments.first { $0.messageCount > 0 }?.firstSequence ?? next, next: next,
            lastTimeMicroseconds: segments.last?.lastMicroseconds ?? 0)
        do throws(LogError) {
            try contents.restore(
                to: &recovered.log, windowMicroseconds: configuration.idempotencyWindowMicroseconds,
                nowMicroseconds: nowMicroseconds)
        } catch {
            recovered.log.end()
            throw .tooManyTopics
        }
        // Whoever read before the oldest segment, or one that was written anew without some of its messages, of a topic
        // whose name is not kept, may have missed something.
        let removed = segments.first.map { $0.name.firstSequence - 1 } ?? 0
        let compacted = segments.last { $0.replaces != nil }?.lastSequence ?? 0
        if max(removed, compacted) > 0 { recovered.log.topics.forgetAll(through: max(removed, compacted)) }
        recovered.report.messages = recovered.log.messageCount
        recovered.report.segments = segments.count
        recovered.report.damage += contents.damage
        return recovered
    }

    /// All segments, oldest first; those without an index are given one.
    /// - Returns: them, and whether messages that were acknowledged may be missing behind the last.
    private func sealAll(
        _ identity: LogIdentity, _ report: inout RecoveryReport
    ) throws(StorageError) -> ([SealedSegment], wasCutOff: Bool) {
        let sealer = SegmentSealer(storage: storage, identity: identity)
        var wasCutOff = false
        var segments: [SealedSegment] = []
        for name in try storage.list() where name.hasSuffix(SegmentCompaction.temporaryEnding) || name == SpareFile.name
        {
            try storage.remove(name)
        }
        let names = try storage.list().compactMap({ SegmentName($0) }).sorted()
        for name in names {
            if let segment = try sealer.sealed(name) {
                // What a compaction was made from may still be there.
                if let replaced = segment.replaces, let last = segments.last,
                    last.name == SegmentName(firstSequence: name.firstSequence, generation: replaced)
                {
                    try storage.remove(last.name.text)
                    segments.removeLast()
                }
                segments.append(segment)
                continue
            }
            let result = try sealer.seal(name, try sealer.closing(name, before: names.following(name)))
            segments.append(result.segment)
            report.recoveredSegments += 1
            report.tornBytes += result.tornBytes
            if result.wasCutOff { wasCutOff = true }
        }
        // A start before this one found it so, and wrote nothing behind it.
        if segments.last?.wasCutOff ?? false { wasCutOff = true }
        try findMissing(&segments, sealer, &report)
        return (segments, wasCutOff)
    }

    /// Finds messages that a segment says stood before it and that the one before it does not have: that was cut short, or
    /// is not there any more.
    private func findMissing(
        _ segments: inout [SealedSegment], _ sealer: SegmentSealer, _ report: inout RecoveryReport
    ) throws(StorageError) {
        for index in segments.indices.dropFirst() {
            let before = segments[index - 1].lastSequence
            guard let header = try sealer.header(segments[index].name), header.precedingSequence > before,
                header.precedingSequence < segments[index].name.firstSequence
            else { continue }
            let lost = DamagedRange(first: before + 1, last: header.precedingSequence)
            segments[index].lostBefore = lost
            report.damage.append(.init(segment: segments[index].name.text, first: lost.first, last: lost.last))
        }
    }
}
