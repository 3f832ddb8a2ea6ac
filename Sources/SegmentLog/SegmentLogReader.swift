import Arenas
import PubSub
import Synchronization

/// Reads of one loop: what is no longer in memory from the segments, the rest from memory, in order.
///
/// The lock is held for a look at memory and at which segment comes next, never while a file is read.
final class SegmentLogReader: LogReader {
    let index: Int
    private let log: SegmentLog
    private let floor: ReaderFloor
    private var entries = ReadEntries(capacity: ReadLimits.maximumMessages)
    private let segments: SegmentReader
    private let collected = CollectedMessages()
    private var name: [UInt8] = []
    /// What the step under way takes from disk.
    private var candidates: [SegmentReader.Found] = []

    init(log: SegmentLog, index: Int, floor: ReaderFloor) {
        self.log = log
        self.index = index
        self.floor = floor
        segments = SegmentReader(storage: log.storage, identity: log.identity)
        name.reserveCapacity(TopicName.maximumBytes)
    }

    func read(
        _ target: borrowing ReadTarget, _ filter: borrowing MessageFilter, _ request: ReadRequest,
        begin: (ReadOutcome) -> Void, _ body: (Span<UInt8>) -> Void
    ) throws(ReadError) -> ReadOutcome {
        precondition(request.limit <= ReadLimits.maximumMessages)
        var progress = ReadProgress(request)
        var verdicts = PatternVerdicts()
        entries.removeAll()
        collected.removeAll()
        defer { floor.value.store(.max, ordering: .releasing) }
        while !progress.isDone {
            let segment = try look(target, filter, &progress, &verdicts)
            if progress.needsStart {
                findStart(&progress, segment)
            } else if let through = progress.diskThrough {
                progress.diskThrough = nil
                try readDisk(target, filter, &progress, segment, through)
                if progress.isDone { log.state.withLock { $0.log.finish(&progress) } }
            }
        }
        begin(progress.outcome)
        entries.forEach(body)
        return progress.outcome
    }

    /// One step in memory.
    /// - Returns: where the read goes on on disk, where it has to.
    private func look(
        _ target: borrowing ReadTarget, _ filter: borrowing MessageFilter, _ progress: inout ReadProgress,
        _ verdicts: inout PatternVerdicts
    ) throws(ReadError) -> SealedSegment? {
        try log.state.withLock { state throws(ReadError) in
            if !progress.isStarted { floor.value.store(state.log.oldestSegment, ordering: .relaxed) }
            name.removeAll(keepingCapacity: true)
            switch target {
            case .topic(let id): try readTopic(id, filter, &progress, &state)
            case .name(let text):
                if let id = state.log.topics.find(text) {
                    try readTopic(id, filter, &progress, &state)
                } else {
                    try state.log.readUnknown(text, filter, &progress, &entries, reader: index)
                }
            case .pattern(let pattern):
                try state.log.readPattern(pattern, filter, &progress, &entries, &verdicts, reader: index)
            }
            if progress.needsStart, case .since(let time) = progress.request.start {
                return state.catalog.segment(notBefore: time)
            }
            return progress.diskThrough == nil ? nil : state.catalog.segment(behind: progress.position, orLosses: true)
        }
    }

    private func readTopic(
        _ id: TopicID, _ filter: borrowing MessageFilter, _ progress: inout ReadProgress, _ state: inout DurableState
    ) throws(ReadError) {
        try state.log.readTopic(id, filter, &progress, &entries, reader: index)
        guard progress.diskThrough != nil else { return }
        let text = state.log.topics.names.bytes(of: id)
        for place in text.indices { name.append(text[place]) }
    }

    // MARK: On disk

    /// Finds the position that a time stands for.
    private func findStart(_ progress: inout ReadProgress, _ segment: SealedSegment?) {
        progress.needsStart = false
        guard case .since(let time) = progress.request.start else { return }
        // Where the disk knows no message of that time or later, memory begins.
        var position = log.state.withLock { $0.log.windowSequence } - 1
        if let segment {
            position = segment.firstSequence - 1
            do throws(StorageError) {
                try segments.open(segment)
                position = try segments.position(notBefore: time)
            } catch {
                segments.close()
            }
        }
        progress.position = position
        progress.outcome.begin = position
    }

    private func readDisk(
        _ target: borrowing ReadTarget, _ filter: borrowing MessageFilter, _ progress: inout ReadProgress,
        _ segment: SealedSegment?, _ through: UInt64
    ) throws(ReadError) {
        // Nothing on disk between here and what is in memory.
        guard let segment else { return progress.position = max(progress.position, through) }
        guard segment.firstSequence <= through else { return progress.position = max(progress.position, through) }
        do throws(StorageError) {
            try segments.open(segment)
        } catch {
            return try loseSegment(segment, &progress, error)
        }
        do throws(StorageError) {
            switch target {
            case .pattern(let pattern): try readRun(pattern, filter, &progress, segment)
            case .topic, .name: try readPostings(filter, &progress, segment)
            }
        } catch {
            return try loseSegment(segment, &progress, error)
        }
        if let lost = lostThrough {
            lostThrough = nil
            try lose(through: lost, &progress)
        }
    }

    /// Set where a step met messages that cannot be read.
    private var lostThrough: UInt64?

    /// A segment is not there any more, or cannot be read.
    private func loseSegment(
        _ segment: SealedSegment, _ progress: inout ReadProgress, _ error: StorageError
    ) throws(ReadError) {
        segments.close()
        let isStillThere = log.state.withLock { state in
            state.catalog.segment(behind: progress.position, orLosses: true) == segment
        }
        // Compacted or removed meanwhile: the next look finds what is there now.
        guard isStillThere else {
            let earliest = log.state.withLock { $0.log.earliestSequence }
            if earliest > progress.position + 1 { try lose(through: earliest - 1, &progress) }
            return
        }
        try lose(through: segment.lastSequence, &progress)
    }

    /// Messages up to here cannot be read: the read ends before them, says so, or is refused.
    private func lose(through sequence: UInt64, _ progress: inout ReadProgress) throws(ReadError) {
        guard progress.outcome.count == 0 else {
            progress.isDone = true
            return
        }
        progress.position = max(progress.position, sequence)
        guard case .after = progress.request.start else { return }
        guard progress.request.skipsGaps else { throw .gone(earliest: sequence) }
        progress.outcome.lostThrough = max(progress.outcome.lostThrough ?? 0, sequence)
    }

    /// Reads messages of one topic.
    private func readPostings(
        _ filter: borrowing MessageFilter, _ progress: inout ReadProgress, _ segment: SealedSegment
    ) throws(StorageError) {
        let name = name
        guard var walk = try segments.walk(name.span, after: progress.position) else {
            progress.position = segment.lastSequence
            return
        }
        while !progress.isDone {
            if !filter.isEmpty, !progress.mayLookFurther() { return }
            switch try segments.next(&walk) {
            case .message(let found): take(found, filter, &progress)
            case .damaged(let through):
                lostThrough = through
                return
            case .end:
                progress.position = segment.lastSequence
                return
            }
        }
    }

    /// Reads messages of a pattern: a run of the sequence, of which those are taken that are still there.
    private func readRun(
        _ pattern: Span<UInt8>, _ filter: borrowing MessageFilter, _ progress: inout ReadProgress,
        _ segment: SealedSegment
    ) throws(StorageError) {
        guard var walk = try segments.walk(after: progress.position) else {
            progress.position = segment.lastSequence
            return
        }
        var known = KnownTopic()
        while !progress.isDone {
            guard progress.mayLookFurther() else { return }
            switch try segments.next(&walk) {
            case .message(let found):
                let block = segments.block
                let topic = block.span(segments.topic(of: found))
                if TopicPattern.matches(pattern, topic: topic), isLive(topic, found.header.sequence, &known) {
                    take(found, filter, &progress)
                } else {
                    progress.position = found.header.sequence
                }
            case .damaged(let through):
                lostThrough = through
                return
            case .end:
                progress.position = segment.lastSequence
                return
            }
        }
    }

    /// The topic that was asked for last: a run of messages of one topic asks once.
    private struct KnownTopic {
        var name = InlineArray<255, UInt8>(repeating: 0)
        var count = -1
        var firstSequence: UInt64 = 0

        func isNamed(_ topic: Span<UInt8>) -> Bool {
            guard topic.count == count else { return false }
            for place in topic.indices where topic[place] != name[place] { return false }
            return true
        }
    }

    /// Whether a message on disk was not dropped by its topic's retention, or deleted.
    private func isLive(_ topic: Span<UInt8>, _ sequence: UInt64, _ known: inout KnownTopic) -> Bool {
        if !known.isNamed(topic) {
            known.firstSequence = log.state.withLock { state in
                guard let id = state.log.topics.find(topic) else { return UInt64.max }
                return state.log.topics[id].firstSequence
            }
            known.count = topic.count
            for place in topic.indices { known.name[place] = topic[place] }
        }
        return sequence >= known.firstSequence
    }

    private func take(
        _ found: SegmentReader.Found, _ filter: borrowing MessageFilter, _ progress: inout ReadProgress
    ) {
        let header = found.header
        let block = segments.block
        let message = block.span(segments.message(of: found))
        let isWanted =
            header.expiresMicroseconds > progress.request.nowMicroseconds
            && (filter.isEmpty || filter.admits(message, attributesAt: Int(header.attributesOffset)))
        guard isWanted else { return progress.position = header.sequence }
        guard progress.hasRoom(for: message.count) else { return progress.isDone = true }
        collected.add(message, room: progress.request.maximumBytes, to: &entries)
        progress.count(header.sequence, header.timeMicroseconds, message.count)
    }

    // MARK: Watching

    func watch(_ target: borrowing ReadTarget) throws(ReadError) -> TopicID? {
        switch target {
        case .topic(let id):
            log.state.withLock { $0.log.watch(id, reader: index) }
            return id
        case .name(let name):
            return try log.state.withLock { state throws(ReadError) in try state.log.watch(name, reader: index) }
        case .pattern:
            log.state.withLock { $0.log.readers.watchingAll |= 1 << UInt64(index) }
            return nil
        }
    }

    func takeNews(_ body: (TopicID, Span<UInt8>) -> Void) {
        var more = true
        while more { more = log.state.withLock { $0.log.takeNews(index, body) } }
    }

    func unwatch(_ topic: TopicID) { log.state.withLock { $0.log.unwatch(topic, reader: index) } }

    func unwatchAll() { log.state.withLock { $0.log.readers.watchingAll &= ~(1 << UInt64(index)) } }
}
