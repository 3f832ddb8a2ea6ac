import Arenas
import PubSub

/// Writes a segment anew without the messages that retention or a deletion dropped, so that a few that are left of a quiet
/// topic do not keep the whole of it. The new one stands beside the old until it is whole.
struct SegmentCompaction {
    let storage: any LogStorage
    let identity: LogIdentity
    let segment: SealedSegment

    static let temporaryEnding = ".compacting"
    /// Messages whose fate is asked for at a time.
    private static let batch = 256

    /// Whether messages are still there, asked for several at a time.
    typealias Liveness = ([(name: [UInt8], sequence: UInt64)]) -> [Bool]

    /// - Returns: the new segment; nil where the old one could not be read whole, and stays.
    func run(isLive: Liveness) throws(StorageError) -> SealedSegment? {
        let name = SegmentName(firstSequence: segment.name.firstSequence, generation: segment.name.generation + 1)
        let temporary = name.text + Self.temporaryEnding
        let file = try storage.open(temporary, creating: true)
        defer { storage.close(file) }
        do throws(StorageError) {
            guard let made = try write(file, name, isLive) else {
                try storage.remove(temporary)
                return nil
            }
            try storage.synchronize(file)
            try storage.rename(temporary, to: name.text)
            try storage.synchronizeDirectory()
            return made
        } catch {
            try? storage.remove(temporary)
            throw error
        }
    }

    private func write(
        _ file: StorageFile, _ name: SegmentName, _ isLive: Liveness
    ) throws(StorageError) -> SealedSegment? {
        let window = FileWindow(storage: storage, smallestAhead: 256 << 10, largestAhead: 1 << 20)
        try window.open(segment.name.text)
        var scanner = SegmentScanner(window: window, tag: identity.tag, limit: segment.dataEnd, isClosed: true)
        var builder = SegmentIndexBuilder(hash: identity.hash, before: segment.firstSequence - 1)
        let output = Block(capacity: segment.dataEnd)
        var end = SegmentHeader.byteCount
        SegmentHeader(
            epoch: identity.epoch, firstSequence: name.firstSequence, createdMicroseconds: segment.firstMicroseconds,
            isSynchronous: true
        ).write(to: output, at: 0)
        var pending: [(header: RecordHeader, at: Int)] = []
        var isWhole = false
        while !isWhole {
            switch try scanner.next() {
            case .record(let header, let offset):
                guard let at = try window.bring(offset, header.byteCount) else { return nil }
                output.reserve(end + header.storedBytes)
                let block = window.block
                output.store(block.span(at..<at + header.byteCount), at: end)
                pending.append((header, end))
                end += header.storedBytes
            case .damage: return nil
            case .end(let end, _):
                guard end == segment.dataEnd else { return nil }
                isWhole = true
            }
            if isWhole || pending.count == Self.batch { keep(&pending, output, &end, &builder, isLive) }
        }
        // Which sequence number comes next does not depend on what is left.
        if builder.lastSequence < segment.lastSequence { appendLastSequence(output, &end, &builder) }
        let (made, byteCount) = builder.finish(
            name, dataEnd: end, wasRecovered: segment.wasRecovered, wasCutOff: segment.wasCutOff,
            replaces: segment.name.generation, to: output, at: end)
        try storage.write(file, at: 0, from: output, 0..<end + byteCount)
        return made
    }

    /// Appends a record that says which message was the newest, and nothing else: that no message 0 waits.
    private func appendLastSequence(_ output: Block, _ end: inout Int, _ builder: inout SegmentIndexBuilder) {
        let header = RecordHeader(
            kind: .unscheduled, sequence: segment.lastSequence, timeMicroseconds: segment.lastMicroseconds,
            topicByteCount: 0, messageByteCount: ScheduledPayload.numberByteCount)
        output.reserve(end + header.storedBytes)
        output.fill(end..<end + header.storedBytes)
        header.write(to: output, at: end, tag: identity.tag)
        RecordHeader.seal(in: output, at: end, batchOffset: end)
        builder.add(header, topic: output.span(end..<end), offset: end)
        end += header.storedBytes
    }

    /// Closes the gaps between those that stay.
    private func keep(
        _ pending: inout [(header: RecordHeader, at: Int)], _ output: Block, _ end: inout Int,
        _ builder: inout SegmentIndexBuilder, _ isLive: Liveness
    ) {
        guard let first = pending.first else { return }
        let verdicts = isLive(
            pending.map { record in
                let topic = record.at + record.header.topicRange.lowerBound
                let name = (topic..<topic + record.header.topicByteCount).map { output.load($0, as: UInt8.self) }
                return (name, record.header.sequence)
            })
        var to = first.at
        for (record, live) in zip(pending, verdicts) {
            guard live || record.header.kind != .message else { continue }
            if record.at != to { output.move(record.at..<record.at + record.header.storedBytes, to: to) }
            RecordHeader.endAppend(in: output, at: to)
            RecordHeader.seal(in: output, at: to, batchOffset: to)
            if let header = RecordHeader(trusting: output, at: to) {
                let topic = to + header.topicRange.lowerBound
                let number: UInt64 =
                    header.kind == .scheduled && header.messageRange.count >= ScheduledPayload.byteCount
                    ? output.load(to + header.messageRange.lowerBound) : 0
                builder.add(
                    header, topic: output.span(topic..<topic + header.topicByteCount), offset: to,
                    scheduleNumber: number)
            }
            to += record.header.storedBytes
        }
        output.fill(to..<end)
        end = to
        pending.removeAll(keepingCapacity: true)
    }
}

extension SegmentLog {
    /// A segment is written anew when less than this part of it is still there.
    private static let worthwhile = 0.5

    /// Looks at one segment, and writes it anew where most of it is dead.
    func compactOne(_ settle: () -> Void) {
        let since = clock() - configuration.idempotencyWindowMicroseconds
        let candidate = state.withLock { state -> SealedSegment? in
            let segments = state.catalog.segments
            guard !segments.isEmpty, state.health == .good else { return nil }
            // Nothing was dropped since all segments were looked at: there is nothing to find.
            if upkeep.dropsSeen != state.log.drops {
                upkeep.dropsSeen = state.log.drops
                upkeep.looksLeft = segments.count
            }
            guard upkeep.looksLeft > 0 else { return nil }
            let segment = segments[upkeep.compactionPosition % segments.count]
            // Its dead messages have idempotency keys that are still good: it is looked at again when they are not.
            if segment.hasKeys(since: since) { return nil }
            upkeep.looksLeft -= 1
            // One that is dead as a whole is removed.
            return segment.lastSequence < state.log.earliestSequence ? nil : segment
        }
        upkeep.compactionPosition += 1
        guard let candidate, candidate.messageCount > 0, upkeep.removal?.segment != candidate else { return }
        do throws(StorageError) {
            guard try liveShare(candidate) < Self.worthwhile else { return }
            // What only dead messages would tell after the next start, that they were there and are lost, is written elsewhere.
            guard keepSettings(of: candidate) else { return }
            let commit = awaitStaged()
            settle()
            guard settled.rawValue >= commit, health == .good else { return }
            let compaction = SegmentCompaction(storage: storage, identity: identity, segment: candidate)
            let made = try compaction.run { asked in
                state.withLock { state in
                    asked.map { message in
                        guard message.sequence >= state.log.earliestSequence,
                            let id = state.log.topics.find(message.name.span)
                        else { return false }
                        return message.sequence >= state.log.topics[id].firstSequence
                    }
                }
            }
            guard let made else { return }
            state.withLock { state in
                state.catalog.replace(candidate.name, with: made)
                state.segmentsCompacted += 1
            }
            upkeep.reader.close()
            try storage.remove(candidate.name.text)
            try storage.synchronizeDirectory()
        } catch {
            if !error.meansFull { noteFailure(error) }
        }
    }

    /// How much of a segment's messages is still there; by topics, so that the messages need not be read.
    private func liveShare(_ segment: SealedSegment) throws(StorageError) -> Double {
        let contents = try SegmentContents(storage: storage, identity: identity).topics(in: segment)
        let live = state.withLock { state in
            contents.reduce(0) { sum, topic in
                guard topic.last >= state.log.earliestSequence, let id = state.log.topics.find(topic.name.span) else {
                    return sum
                }
                let first = max(state.log.topics[id].firstSequence, state.log.earliestSequence)
                if first <= topic.first { return sum + topic.bytes }
                if first > topic.last { return sum }
                return sum + topic.bytes / 2
            }
        }
        // Only what is worth a write: a small segment is left alone.
        guard segment.messageBytes > 64 << 10 else { return 1 }
        return Double(live) / Double(max(segment.messageBytes, 1))
    }
}
