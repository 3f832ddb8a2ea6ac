import Arenas
import CLinux
import PubSub
import Synchronization

/// The log on disk: what it acknowledged is still there after the power was cut.
///
/// The newest messages stand in memory too, in the same `LogState` that is all of the log in memory; loops append to it
/// and to a staging buffer under one short lock. A writer thread writes what was staged and synchronizes it, one call for
/// all that came meanwhile (group commit), and only then lets readers see it and publishers know. An upkeep thread gives
/// full segments their index, lets go of their memory and enforces retention. Loops do no I/O but to read old messages.
public final class SegmentLog: MessageLog {
    public let epoch: Epoch
    public let idempotencyHash: KeyedHash
    let configuration: SegmentLogConfiguration
    let storage: any LogStorage
    let identity: LogIdentity
    let observer: (any SegmentLogObserver)?
    let state: Locked<DurableState>
    let writer: LogWriter
    let upkeep: LogUpkeep
    let spare = SpareFile()
    private let settledCommit = Atomic<UInt64>(0)
    /// Rounds of the writer thread.
    let turns = Atomic<Int>(0)
    /// Readers that await a commit, as a set of their indices.
    private let awaiting = Atomic<UInt64>(0)
    let writerBell = Doorbell()
    let upkeepBell = Doorbell()
    let isEnding = Atomic<Bool>(false)
    /// The time; tests set their own.
    let clock: @Sendable () -> Int64
    private let wake = Mutex<(@Sendable (ReaderSet) -> Void)?>(nil)
    private let threads = Mutex<[LogThread]>([])

    init(
        configuration: SegmentLogConfiguration, storage: any LogStorage, identity: LogIdentity,
        recovered: consuming RecoveredLog, observer: (any SegmentLogObserver)?,
        clock: @escaping @Sendable () -> Int64 = { postern_realtime_microseconds() }
    ) {
        self.configuration = configuration
        self.storage = storage
        self.identity = identity
        self.observer = observer
        self.clock = clock
        epoch = identity.epoch
        idempotencyHash = identity.hash
        let sizes = configuration.stagingBytes
        let damaged = recovered.report.damage.count
        let seconds = recovered.report.seconds
        let last = recovered.catalog.lastSequence
        var initial = recovered.makeState(
            staging: StagingBuffer(capacity: sizes, tag: identity.tag),
            spare: StagingBuffer(capacity: sizes, tag: identity.tag))
        initial.damagedRanges = damaged
        initial.log.hasDamage = damaged > 0
        initial.recoverySeconds = seconds
        initial.retention = configuration.retention
        initial.mostFileBytes = configuration.mostFileBytes(configuration.retention)
        initial.settledSchedule = initial.log.schedule.lastNumber
        state = Locked(initial)
        writer = LogWriter(configuration: configuration, storage: storage, identity: identity, spare: spare)
        writer.segments.precedingSequence = last
        upkeep = LogUpkeep(configuration: configuration, storage: storage, identity: identity)
    }

    deinit { state.withLock { $0.log.end() } }

    /// Whether a message is acknowledged before it is on disk.
    var acknowledgesAtOnce: Bool { configuration.durability != .sync }

    public func setRetention(_ retention: RetentionPolicy) {
        state.withLock { state in
            state.retention = retention
            // Publishers do not pay for a bound that was lowered: what is there may be there until it is removed.
            state.mostFileBytes = max(
                configuration.mostFileBytes(retention), state.fileBytes + configuration.mostBytesBehind)
            state.log.setRetention(count: retention.count)
        }
        upkeepBell.ring()
    }

    // MARK: Threads

    public func start(_ wake: @escaping @Sendable (ReaderSet) -> Void) {
        setWake(wake)
        let writerThread = LogThread { self.runWriter() }
        let upkeepThread = LogThread { self.runUpkeep() }
        threads.withLock { $0 = [writerThread, upkeepThread] }
    }

    /// Whom to wake; tests that drive the log step by step want that and no threads.
    func setWake(_ wake: @escaping @Sendable (ReaderSet) -> Void) { self.wake.withLock { $0 = wake } }

    public func end() {
        isEnding.store(true, ordering: .sequentiallyConsistent)
        writerBell.ring()
        upkeepBell.ring()
        let running = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in running { thread.join() }
        finish()
    }

    // MARK: Commits

    public var settled: Commit { Commit(rawValue: settledCommit.load(ordering: .sequentiallyConsistent)) }

    public func verdict(on commit: Commit) -> CommitVerdict {
        state.withLock { $0.failures.error(of: commit.rawValue) }.map { .refused($0) } ?? .stored
    }

    public func await(_ commit: Commit, reader: Int) {
        guard commit != .none else { return }
        awaiting.bitwiseOr(1 << UInt64(reader), ordering: .sequentiallyConsistent)
    }

    public var writerTurns: Int? { turns.load(ordering: .relaxed) }

    /// Tells everybody that changes up to `commit` are settled, and `told` of their news.
    func announce(_ commit: UInt64, told: ReaderSet) {
        settledCommit.store(commit, ordering: .sequentiallyConsistent)
        let awaited = awaiting.exchange(0, ordering: .sequentiallyConsistent)
        notify(ReaderSet(bits: told.bits | awaited))
    }

    func notify(_ readers: ReaderSet) {
        guard !readers.isEmpty else { return }
        wake.withLock { $0?(readers) }
    }

    public var health: LogHealth { state.withLock { $0.health } }

    // MARK: Topics

    public var lastSequence: UInt64 { state.withLock { $0.log.visibleSequence } }

    public func intern(_ topic: Span<UInt8>) throws(LogError) -> TopicID {
        try state.withLock { state throws(LogError) in try state.log.intern(topic) }
    }

    public func release(_ drafts: Span<MessageDraft>) {
        state.withLock { state in
            for index in drafts.indices { state.log.topics.release(drafts[index].topic) }
        }
    }

    public func topic(_ name: Span<UInt8>) -> TopicSnapshot? {
        state.withLock { state in
            guard let id = state.log.topics.find(name) else { return nil }
            return state.log.snapshot(id)
        }
    }

    public func listTopics(
        prefix: Span<UInt8>, after: Span<UInt8>, limit: Int, _ body: (Span<UInt8>, TopicSnapshot) -> Void
    ) -> Bool {
        var page = TopicPage(limit: limit)
        var begin = 0
        while true {
            let bound = state.withLock { state in
                let end = min(begin + TopicPage.scanBatch, state.log.topics.indexBound)
                page.scan(begin..<end, of: state.log, prefix: prefix, after: after)
                return state.log.topics.indexBound
            }
            begin += TopicPage.scanBatch
            guard begin < bound else { break }
        }
        page.forEach(body)
        return page.isFull
    }

    public func enforceRetention(nowMicroseconds: Int64) { upkeepBell.ring() }

    public func makeReader() -> any LogReader {
        let floor = ReaderFloor()
        let index = state.withLock { $0.log.readers.add(floor, newsCapacity: $0.log.topics.indexBound) }
        return SegmentLogReader(log: self, index: index, floor: floor)
    }

    public var statistics: LogStatistics {
        state.withLock { state in
            var statistics = state.log.statistics
            statistics.topics = statistics.internedTopics
            statistics.segments = state.catalog.segments.count + state.finished.count + (state.activeBytes > 0 ? 1 : 0)
            var storage = StorageStatistics()
            storage.fileBytes = state.fileBytes + spare.byteCount
            storage.writtenBytes = state.writtenBytes
            storage.commits = state.commitCount
            storage.segmentsDeleted = state.segmentsDeleted
            storage.segmentsCompacted = state.segmentsCompacted
            storage.stagedBytes = state.staging.count
            storage.damagedRanges = state.damagedRanges
            storage.recoverySeconds = state.recoverySeconds
            storage.oldestMicroseconds = state.oldestMicroseconds
            storage.isFull = state.health == .full
            storage.hasFailed = state.health == .failed
            statistics.storage = storage
            return statistics
        }
    }
}
