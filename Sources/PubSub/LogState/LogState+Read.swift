import Arenas

/// How far one read has come; the lock is given up between its steps.
package struct ReadProgress {
    package var request: ReadRequest
    package var outcome = ReadOutcome()
    package var bytes = 0
    /// Messages behind this are still to be looked at.
    package var position: UInt64 = 0
    var examined = 0
    package var isStarted = false
    package var isDone = false
    /// What is behind `position` up to here is no longer in memory: whoever reads on takes it from disk first.
    package var diskThrough: UInt64?
    /// The read begins at a time that is before all that is in memory: where that is, the disk tells.
    package var needsStart = false

    package init(_ request: ReadRequest) { self.request = request }

    package func hasRoom(for byteCount: Int) -> Bool {
        outcome.count == 0 || bytes + byteCount <= request.maximumBytes
    }

    /// Counts a message that was taken.
    package mutating func count(_ sequence: UInt64, _ timeMicroseconds: Int64, _ byteCount: Int) {
        bytes += byteCount
        position = sequence
        if outcome.count == 0 { outcome.firstMicroseconds = timeMicroseconds }
        outcome.count += 1
        outcome.next = sequence
        if outcome.count == request.limit { isDone = true }
    }

    /// Counts one more message that is looked at; ends the read where it has looked at as many as it may.
    package mutating func mayLookFurther() -> Bool {
        guard examined < LogState.maximumExamined else {
            outcome.isPartial = true
            isDone = true
            return false
        }
        examined += 1
        return true
    }
}

extension LogState {
    /// Most messages looked at in one hold of the lock.
    package static let readBatch = 128
    /// Most messages a read by pattern or filter looks at; then it answers with what it found, so that one that matches
    /// nothing does not keep a loop from its other connections.
    static let maximumExamined = 65_536

    // MARK: One topic

    package mutating func readTopic(
        _ id: TopicID, _ filter: borrowing MessageFilter, _ progress: inout ReadProgress, _ entries: inout ReadEntries,
        reader: Int
    ) throws(ReadError) {
        let state = topics[id]
        if !progress.isStarted { try start(&progress, lostThrough: state.lostThrough) }
        let first = hasDamage ? earliestSequence : state.firstSequence
        let last = hasDamage ? lastSequence : state.lastSequence
        if progress.needsStart || needsDisk(&progress, from: first, through: last) { return }
        var location = firstMessage(of: state, after: progress.position)
        var looked = 0
        while let found = location, !progress.isDone {
            let record = segments[found]
            guard record.sequence <= visibleSequence else { break }
            guard looked < Self.readBatch else { return }
            looked += 1
            guard filter.isEmpty || progress.mayLookFurther() else { break }
            take(record, filter, at: found, &progress, &entries)
            location = record.next == .none ? nil : record.next
        }
        finish(&progress)
        if progress.outcome.count == 0, progress.request.watches, !progress.outcome.isPartial {
            watch(id, reader: reader)
            progress.outcome.watchedTopic = id
        }
    }

    /// A name nobody holds has no messages; a watch makes it be held.
    package mutating func readUnknown(
        _ name: Span<UInt8>, _ filter: borrowing MessageFilter, _ progress: inout ReadProgress,
        _ entries: inout ReadEntries, reader: Int
    ) throws(ReadError) {
        try start(&progress, lostThrough: topics.lostThrough(ofUnknown: name))
        guard progress.request.watches else { return finish(&progress) }
        try readTopic(try watch(name, reader: reader), filter, &progress, &entries, reader: reader)
    }

    /// Has a reader told of a topic's messages from now on.
    package mutating func watch(_ id: TopicID, reader: Int) {
        guard topics[id].watchers >> UInt64(reader) & 1 == 0 else { return }
        if topics[id].watchers == 0 { watchedTopics += 1 }
        topics[id].watchers |= 1 << UInt64(reader)
        topics.retain(id)
    }

    /// Has a reader told of a topic's messages no more.
    package mutating func unwatch(_ id: TopicID, reader: Int) {
        guard topics[id].watchers >> UInt64(reader) & 1 == 1 else { return }
        topics[id].watchers &= ~(1 << UInt64(reader))
        if topics[id].watchers == 0 { watchedTopics -= 1 }
        topics.release(id)
    }

    /// The same by name; a watch makes a name be held that nobody holds.
    package mutating func watch(_ name: Span<UInt8>, reader: Int) throws(ReadError) -> TopicID {
        let id: TopicID
        do throws(LogError) { id = try intern(name) } catch { throw .tooManyTopics }
        watch(id, reader: reader)
        topics.release(id)
        return id
    }

    /// The first message of a topic behind `position`: a walk back along the jumps, O(log n).
    func firstMessage(of state: TopicState, after position: UInt64) -> Location? {
        guard state.messageCount > 0, state.lastSequence > position, segments.isLive(state.last) else { return nil }
        var location = state.last
        while true {
            let record = segments[location]
            if let jumped = earlier(record.jump, in: state, after: position) {
                location = jumped
            } else if let stepped = earlier(record.previous, in: state, after: position) {
                location = stepped
            } else {
                return location
            }
        }
    }

    private func earlier(_ location: Location, in state: TopicState, after position: UInt64) -> Location? {
        guard location != .none, location >= state.first, segments.isLive(location) else { return nil }
        return segments[location].sequence > position ? location : nil
    }

    // MARK: Patterns

    package mutating func readPattern(
        _ pattern: Span<UInt8>, _ filter: borrowing MessageFilter, _ progress: inout ReadProgress,
        _ entries: inout ReadEntries, _ verdicts: inout PatternVerdicts, reader: Int
    ) throws(ReadError) {
        if !progress.isStarted { try start(&progress, lostThrough: lostThrough(of: pattern, progress.request)) }
        if progress.needsStart || needsDisk(&progress, from: earliestSequence, through: lastSequence) { return }
        var looked = 0
        let begin = max(progress.position + 1, earliestSequence)
        var location: Location? = begin < nextSequence ? segments.location(of: begin) : nil
        while let found = location, !progress.isDone {
            let record = segments[found]
            guard record.sequence <= visibleSequence else { break }
            guard looked < Self.readBatch else { return }
            guard progress.mayLookFurther() else { break }
            looked += 1
            let id = TopicID(rawValue: record.topic)
            if record.sequence >= topics[id].firstSequence, selects(pattern, id, &verdicts) {
                take(record, filter, at: found, &progress, &entries)
            } else {
                progress.position = record.sequence
            }
            location = segments.location(behind: found, byteCount: Int(record.byteCount))
        }
        finish(&progress)
        if progress.outcome.count == 0, progress.request.watches, !progress.outcome.isPartial {
            readers.watchingAll |= 1 << UInt64(reader)
        }
    }

    private func selects(_ pattern: Span<UInt8>, _ id: TopicID, _ verdicts: inout PatternVerdicts) -> Bool {
        if let known = verdicts[id] { return known }
        let verdict = TopicPattern.matches(pattern, topic: topics.names.bytes(of: id))
        verdicts[id] = verdict
        return verdict
    }

    /// Up to where any topic that the pattern selects lost messages. Looked up only where the read begins behind the
    /// newest loss of all; topics that are gone count for every pattern, since their names are not kept.
    private func lostThrough(of pattern: Span<UInt8>, _ request: ReadRequest) -> UInt64 {
        guard case .after(let sequence) = request.start, sequence < topics.lostThrough else { return 0 }
        var lost = topics.forgottenThrough
        for index in 0..<topics.indexBound {
            let id = TopicID(rawValue: UInt32(index))
            guard topics[id].isLive, topics[id].lostThrough > max(lost, sequence) else { continue }
            if TopicPattern.matches(pattern, topic: topics.names.bytes(of: id)) { lost = topics[id].lostThrough }
        }
        return lost
    }

    // MARK: Steps both share

    /// The oldest sequence number whose message is in memory.
    package var windowSequence: UInt64 { segments.isEmpty ? nextSequence : segments.oldestSequences.lowerBound }

    /// Notes how far a read has to go to the disk before it goes on in memory.
    private func needsDisk(_ progress: inout ReadProgress, from first: UInt64, through last: UInt64) -> Bool {
        guard home == .disk else { return false }
        let begin = max(progress.position, max(first, 1) - 1) + 1
        let window = windowSequence
        guard begin < window, begin <= last, begin <= visibleSequence else { return false }
        progress.position = max(progress.position, begin - 1)
        progress.diskThrough = window - 1
        return true
    }

    private mutating func start(_ progress: inout ReadProgress, lostThrough: UInt64) throws(ReadError) {
        progress.isStarted = true
        switch progress.request.start {
        case .after(let sequence):
            progress.position = sequence
            if sequence < lostThrough {
                guard progress.request.skipsGaps else { throw .gone(earliest: lostThrough) }
                progress.outcome.lostThrough = lostThrough
            }
            progress.outcome.next = sequence
        case .earliest:
            progress.position = 0
            progress.outcome.next = visibleSequence
        case .latest:
            progress.position = visibleSequence
            progress.outcome.next = visibleSequence
        case .since(let microseconds):
            progress.outcome.next = visibleSequence
            let first = max(earliestSequence, windowSequence)
            if home == .disk, earliestSequence < first,
                first == nextSequence || segments[segments.location(of: first)].timeMicroseconds >= microseconds
            {
                progress.needsStart = true
                return
            }
            progress.position = firstSequence(notBefore: microseconds, from: first) - 1
        }
        progress.outcome.begin = progress.position
    }

    func take(
        _ record: Record, _ filter: borrowing MessageFilter, at location: Location, _ progress: inout ReadProgress,
        _ entries: inout ReadEntries
    ) {
        let byteCount = Int(record.byteCount)
        let isWanted =
            record.expiresMicroseconds > progress.request.nowMicroseconds
            && (filter.isEmpty
                || segments.admits(filter, location, byteCount, attributesAt: Int(record.attributesOffset)))
        guard isWanted else {
            progress.position = record.sequence
            return
        }
        guard progress.hasRoom(for: byteCount) else {
            progress.isDone = true
            return
        }
        segments.note(location, byteCount: byteCount, in: &entries)
        progress.count(record.sequence, record.timeMicroseconds, byteCount)
    }

    package func finish(_ progress: inout ReadProgress) {
        // Messages that were lost do not come back: a reader that skipped them goes on behind them.
        if progress.outcome.count == 0, progress.outcome.isPartial || progress.outcome.lostThrough != nil {
            progress.outcome.next = max(progress.position, progress.outcome.lostThrough ?? 0)
        }
        progress.outcome.lastSequence = visibleSequence
        progress.outcome.scannedThrough = progress.isDone ? progress.position : max(progress.position, visibleSequence)
        progress.isDone = true
    }

    /// The sequence number of the first message whose time is not before `microseconds`.
    private func firstSequence(notBefore microseconds: Int64, from first: UInt64) -> UInt64 {
        var low = first
        var high = nextSequence
        while low < high {
            let middle = low + (high - low) / 2
            if segments[segments.location(of: middle)].timeMicroseconds < microseconds {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }

    // MARK: News

    /// Topics told in one hold of the lock.
    private static let newsBatch = 64

    /// Tells a reader which of the topics it watches got messages.
    /// - Returns: whether there may be more.
    package mutating func takeNews(_ reader: Int, _ body: (TopicID, Span<UInt8>) -> Void) -> Bool {
        var budget = Self.newsBatch
        while budget > 0, let id = readers.takeNews(reader) {
            topics[id].told &= ~(1 << UInt64(reader))
            if topics[id].isLive { body(id, topics.names.bytes(of: id)) }
            budget -= 1
        }
        return budget == 0
    }

    /// The number of the oldest segment in memory: what a reader sets its floor to.
    package var oldestSegment: UInt64 { segments.oldest }
}
