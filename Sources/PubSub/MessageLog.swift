import Arenas

/// Where messages live: the one seam between the gateway and storage.
///
/// One sequence runs through all topics, so that a cursor is one number and a read over several topics is one
/// scan in order. Any thread may call; each loop reads through a reader of its own.
public protocol MessageLog: AnyObject, Sendable {
    /// What cursors of this log are bound to.
    var epoch: Epoch { get }

    /// What idempotency keys are hashed with; lives as long as the epoch.
    var idempotencyHash: KeyedHash { get }

    /// The newest sequence number that readers are served; 0 before the first. No later cursor is this log's.
    var lastSequence: UInt64 { get }

    /// The id of a topic's name, held for the caller until `release`.
    /// - Throws: `LogError.tooManyTopics` when a new name finds no room.
    func intern(_ topic: Span<UInt8>) throws(LogError) -> TopicID

    /// Gives up one hold on each draft's topic; for drafts that are not appended after all.
    func release(_ drafts: Span<MessageDraft>)

    /// Stores all drafts, in order, or none, and fills in their sequence, time and whether each is a duplicate.
    /// When this returns the drafts' holds on their topics are given up. Where it throws, the holds stay.
    /// - Parameter bytes: what the drafts' offsets point into; copied.
    /// - Returns: who is to be woken, and what to wait for before the publisher is told that its messages are stored.
    /// - Throws: `LogError`; nothing is stored then.
    func append(
        _ drafts: inout MutableSpan<MessageDraft>, bytes: Span<UInt8>, nowMicroseconds: Int64
    ) throws(LogError) -> Appended

    /// Begins to make durable what was appended. Whoever awaits a commit calls it once it has appended all that it has
    /// for now, so that one write serves all of it.
    func submit()

    /// Every change up to here is as durable as the log promises, or has failed for good.
    var settled: Commit { get }

    /// What became of a change that is settled, asked by a reader that awaited it.
    func verdict(on commit: Commit) -> CommitVerdict

    /// Has the reader's loop woken once `commit`, the oldest that it awaits, is settled; `.none` where it awaits none.
    func await(_ commit: Commit, reader: Int)

    /// Begins to work. Called once, before the first append.
    /// - Parameter wake: wakes the loops of readers; called from the log's threads.
    func start(_ wake: @escaping @Sendable (ReaderSet) -> Void)

    /// Writes out what there is to write and stops. Called once, when nobody appends or reads any more.
    func end()

    /// Whether the log takes messages.
    var health: LogHealth { get }

    /// A reader for one loop. At most `ReaderSet.capacity` may be made in a log's life.
    func makeReader() -> any LogReader

    /// What is known of a topic; nil where it does not exist.
    func topic(_ name: Span<UInt8>) -> TopicSnapshot?

    /// Creates the topic or changes its retention.
    /// - Returns: whether it was created, and what it is now.
    func configure(
        _ name: Span<UInt8>, retention: RetentionPolicy, nowMicroseconds: Int64
    ) throws(LogError) -> (created: Bool, topic: TopicSnapshot, commit: Commit)

    /// Drops the topic's messages and settings.
    /// - Returns: what to wait for before it is told; nil where it does not exist.
    func delete(_ name: Span<UInt8>) throws(LogError) -> Commit?

    /// Calls `body` for existing topics whose name begins with `prefix` and sorts behind `after`, in the order of
    /// their bytes, `limit` at most.
    /// - Returns: whether there are more.
    func listTopics(
        prefix: Span<UInt8>, after: Span<UInt8>, limit: Int, _ body: (Span<UInt8>, TopicSnapshot) -> Void
    ) -> Bool

    /// When the next message is to be delivered that waits for its time; `.max` where none does.
    var nextDueMicroseconds: Int64 { get }

    /// Delivers messages whose time has come, in the order of their times, some hundreds at most.
    /// - Returns: as `append` does.
    func deliverDue(nowMicroseconds: Int64) -> Appended

    /// Keeps so much from now on; what is over it goes within a second or two. Any thread.
    func setRetention(_ retention: RetentionPolicy)

    /// Drops what is too old; called about once a second by one thread.
    func enforceRetention(nowMicroseconds: Int64)

    /// Figures for telemetry.
    var statistics: LogStatistics { get }

    /// How often the thread that writes has gone round, once a second at least; nil where there is no such thread. Any
    /// thread; no lock is taken, so that it tells of a writer that holds one for ever.
    var writerTurns: Int? { get }
}

extension MessageLog {
    public var writerTurns: Int? { nil }
}

/// Reads of one loop. One thread at a time.
public protocol LogReader: AnyObject {
    /// This reader's number, as it stands in a `ReaderSet`.
    var index: Int { get }

    /// Reads what `target` selects behind `request.start` and `filter` lets through, and hands each message's bytes to
    /// `body`, in order; what the read came to is told to `begin` before that.
    ///
    /// The bytes are the log's own and live for the call of `body`. With `request.watches`, a read that found
    /// nothing leaves the reader watching, without a gap between the look and the watch: an append behind it is
    /// reported by `takeNews`.
    /// - Throws: `ReadError.gone` where messages behind the start were lost to retention and the request does not
    ///   skip gaps; `ReadError.tooManyTopics` where a watch finds no room for a new name.
    func read(
        _ target: borrowing ReadTarget, _ filter: borrowing MessageFilter, _ request: ReadRequest,
        begin: (ReadOutcome) -> Void, _ body: (Span<UInt8>) -> Void
    ) throws(ReadError) -> ReadOutcome

    /// Watches what `target` selects: an append from now on is reported by `takeNews`.
    /// - Returns: the topic now watched; nil where the target is a pattern.
    /// - Throws: `ReadError.tooManyTopics`.
    func watch(_ target: borrowing ReadTarget) throws(ReadError) -> TopicID?

    /// Takes the watched topics that got messages since the last call.
    func takeNews(_ body: (TopicID, _ name: Span<UInt8>) -> Void)

    /// Ends the watch on a topic. The caller has no waiter for it any more.
    func unwatch(_ topic: TopicID)

    /// Ends the watch on all topics that patterns brought with them.
    func unwatchAll()
}

extension LogReader {
    /// Reads without a filter.
    public func read(
        _ target: borrowing ReadTarget, _ request: ReadRequest, _ body: (Span<UInt8>) -> Void
    ) throws(ReadError) -> ReadOutcome {
        try read(target, MessageFilter(compiled: Span()), request, begin: { _ in }, body)
    }
}

/// What a read selects.
public enum ReadTarget: ~Escapable {
    /// A topic that this reader watches.
    case topic(TopicID)
    /// A topic by its valid name.
    case name(Span<UInt8>)
    /// A valid selection with wildcards or several names.
    case pattern(Span<UInt8>)
}

public struct ReadRequest: Sendable {
    public enum Start: Equatable, Sendable {
        /// Behind this sequence number; lost messages are reported.
        case after(UInt64)
        /// At the oldest message there is.
        case earliest
        /// Behind the newest.
        case latest
        /// At the first message not older than this.
        case since(microseconds: Int64)
    }
    public var start: Start
    /// Most messages to return.
    public var limit: Int
    /// Most bytes to return; one message is returned even where it alone is larger.
    public var maximumBytes: Int
    /// Read on behind lost messages instead of refusing.
    public var skipsGaps: Bool
    /// Watch for more where nothing was found.
    public var watches: Bool
    public var nowMicroseconds: Int64

    public init(
        start: Start, limit: Int, maximumBytes: Int, skipsGaps: Bool = false, watches: Bool = false,
        nowMicroseconds: Int64
    ) {
        self.start = start
        self.limit = limit
        self.maximumBytes = maximumBytes
        self.skipsGaps = skipsGaps
        self.watches = watches
        self.nowMicroseconds = nowMicroseconds
    }
}

public struct ReadOutcome: Equatable, Sendable {
    /// How many messages were handed out.
    public var count = 0
    /// Where the read began: everything it selects stands behind this sequence number.
    public var begin: UInt64 = 0
    /// When the first message handed out was stored; 0 where there is none.
    public var firstMicroseconds: Int64 = 0
    /// The newest sequence number of the log.
    public var lastSequence: UInt64 = 0
    /// Where the next read goes on so that nothing is lost or doubled.
    public var next: UInt64 = 0
    /// Nothing that the target selects stands between `next` and here: a parked read goes on from here.
    public var scannedThrough: UInt64 = 0
    /// Where messages were lost and skipped: the sequence up to which they are gone.
    public var lostThrough: UInt64?
    /// The topic now watched; nil where none is, or where the target is a pattern.
    public var watchedTopic: TopicID?
    /// A read stopped early after looking at as many messages as one read may.
    public var isPartial = false

    public init() {}

    /// Nothing that the target selects stands behind `scannedThrough`.
    public var isAtEnd: Bool { scannedThrough >= lastSequence }
}

/// Why a read is refused.
public enum ReadError: Error, Equatable, Sendable {
    /// Messages behind the start are lost; the earliest good start is `.after(earliest)`.
    case gone(earliest: UInt64)
    /// A watch on a new name finds no room.
    case tooManyTopics
}

/// Why the log refuses a message or a topic. Nothing was stored.
public enum LogError: Error, Equatable, Sendable {
    /// There are as many topics as may be.
    case tooManyTopics
    /// The message can never fit what retention lets the log hold.
    case messageTooLarge
    /// Readers still hold the memory that the message needs.
    case busy
    /// More is waiting to be written than may wait.
    case behind
    /// As many messages wait for their time as may.
    case scheduleFull
    /// The disk is full. Publishing goes on once there is room.
    case full
    /// The disk failed. The log can be read until it is started anew.
    case failed
}

/// A point in the order of a log's changes.
public struct Commit: Comparable, Sendable {
    public var rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue }

    /// Nothing to wait for.
    public static let none = Commit(rawValue: 0)

    public static func < (a: Commit, b: Commit) -> Bool { a.rawValue < b.rawValue }
}

/// What became of a change.
public enum CommitVerdict: Equatable, Sendable {
    case stored
    case refused(LogError)
}

/// What an append came to.
public struct Appended: Equatable, Sendable {
    /// The readers that watch one of the topics and can read the messages now.
    public var told: ReaderSet
    /// What the publisher waits for.
    public var commit: Commit

    public init(told: ReaderSet, commit: Commit = .none) {
        self.told = told
        self.commit = commit
    }
}

/// Whether a log takes messages.
public enum LogHealth: Sendable {
    case good
    /// The disk is full.
    case full
    /// The disk failed.
    case failed
}

/// A set of readers, by index.
public struct ReaderSet: Equatable, Sendable {
    /// Most readers of one log.
    public static let capacity = 64
    public var bits: UInt64

    public init(bits: UInt64 = 0) { self.bits = bits }

    public var isEmpty: Bool { bits == 0 }
    public func contains(_ index: Int) -> Bool { bits >> UInt64(index) & 1 == 1 }

    /// Takes the lowest index out; nil when empty.
    public mutating func popFirst() -> Int? {
        guard bits != 0 else { return nil }
        let index = bits.trailingZeroBitCount
        bits &= bits - 1
        return index
    }
}

/// What is known of one topic.
public struct TopicSnapshot: Equatable, Sendable {
    public var messages = 0
    public var bytes = 0
    /// Sequence numbers of the oldest and newest message; nil where there is none.
    public var earliest: UInt64?
    public var latest: UInt64?
    public var createdMicroseconds: Int64 = 0
    public var retention = RetentionPolicy.unbounded

    public init() {}
}

/// Figures of a whole log.
public struct LogStatistics: Equatable, Sendable {
    public var messages = 0
    public var bytes = 0
    public var segments = 0
    public var reservedBytes = 0
    public var topics = 0
    public var internedTopics = 0
    public var internedBytes = 0
    public var published: UInt64 = 0
    public var duplicates: UInt64 = 0
    public var droppedByRetention: UInt64 = 0
    /// Messages that were accepted to be delivered later, and those that wait still.
    public var scheduled: UInt64 = 0
    public var waiting = 0
    public var lastSequence: UInt64 = 0
    public var idempotencyKeys = 0
    public var idempotencyEvictions: UInt64 = 0
    /// Of the files; nil for a log in memory.
    public var storage: StorageStatistics?

    public init() {}
}

/// Figures of a log's files.
public struct StorageStatistics: Equatable, Sendable {
    /// Bytes of all segment files.
    public var fileBytes = 0
    public var writtenBytes: UInt64 = 0
    public var commits: UInt64 = 0
    public var segmentsDeleted: UInt64 = 0
    public var segmentsCompacted: UInt64 = 0
    /// Bytes that wait to be written.
    public var stagedBytes = 0
    /// Ranges of messages that cannot be read any more.
    public var damagedRanges = 0
    public var recoverySeconds = 0.0
    /// When the oldest message was stored; nil where there is none.
    public var oldestMicroseconds: Int64?
    public var isFull = false
    public var hasFailed = false

    public init() {}
}
