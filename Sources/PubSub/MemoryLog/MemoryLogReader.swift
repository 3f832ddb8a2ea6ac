import Arenas

/// Reads of one loop from the in-memory log. What a read found is noted under the lock and handed out behind it; the
/// reader's floor keeps the memory from being used again meanwhile.
final class MemoryLogReader: LogReader {
    let index: Int
    private let log: MemoryLog
    private let floor: ReaderFloor
    private var entries = ReadEntries(capacity: ReadLimits.maximumMessages)

    init(log: MemoryLog, index: Int, floor: ReaderFloor) {
        self.log = log
        self.index = index
        self.floor = floor
    }

    func read(
        _ target: borrowing ReadTarget, _ filter: borrowing MessageFilter, _ request: ReadRequest,
        begin: (ReadOutcome) -> Void, _ body: (Span<UInt8>) -> Void
    ) throws(ReadError) -> ReadOutcome {
        precondition(request.limit <= ReadLimits.maximumMessages)
        var progress = ReadProgress(request)
        var verdicts = PatternVerdicts()
        entries.removeAll()
        defer { floor.value.store(.max, ordering: .releasing) }
        while !progress.isDone { try step(target, filter, &progress, &verdicts) }
        begin(progress.outcome)
        entries.forEach(body)
        return progress.outcome
    }

    private func step(
        _ target: borrowing ReadTarget, _ filter: borrowing MessageFilter, _ progress: inout ReadProgress,
        _ verdicts: inout PatternVerdicts
    ) throws(ReadError) {
        try log.withState { state throws(ReadError) in
            // Nothing that is live now is used again before this read is over.
            if !progress.isStarted { floor.value.store(state.segments.oldest, ordering: .relaxed) }
            switch target {
            case .topic(let id):
                try state.readTopic(id, filter, &progress, &entries, reader: index)
            case .name(let name):
                if let id = state.topics.find(name) {
                    try state.readTopic(id, filter, &progress, &entries, reader: index)
                } else {
                    try state.readUnknown(name, filter, &progress, &entries, reader: index)
                }
            case .pattern(let pattern):
                try state.readPattern(pattern, filter, &progress, &entries, &verdicts, reader: index)
            }
        }
    }

    func watch(_ target: borrowing ReadTarget) throws(ReadError) -> TopicID? {
        switch target {
        case .topic(let id):
            log.withState { $0.watch(id, reader: index) }
            return id
        case .name(let name):
            return try log.withState { state throws(ReadError) in try state.watch(name, reader: index) }
        case .pattern:
            log.withState { $0.readers.watchingAll |= 1 << UInt64(index) }
            return nil
        }
    }

    func takeNews(_ body: (TopicID, Span<UInt8>) -> Void) {
        var more = true
        while more {
            more = log.withState { $0.takeNews(index, body) }
        }
    }

    func unwatch(_ topic: TopicID) {
        log.withState { $0.unwatch(topic, reader: index) }
    }

    func unwatchAll() {
        log.withState { state in state.readers.watchingAll &= ~(1 << UInt64(index)) }
    }
}

/// What one read may ask for.
public enum ReadLimits {
    /// Most messages of one read; their places are noted in memory taken once.
    public static let maximumMessages = 1000
}
