import PubSub

/// When a message counts as stored.
public enum Durability: Equatable, Sendable {
    /// When it is on disk: an acknowledged message outlives a loss of power.
    case sync
    /// At once; it is on disk so many milliseconds later at most. That much a loss of power may take; the end of the
    /// process alone takes what the system had not been handed yet, a few milliseconds' worth.
    case interval(milliseconds: Int)
    /// At once; it is on disk when the system writes it there.
    case memory
}

/// What an operator may set of a log on disk.
public struct SegmentLogConfiguration: Sendable {
    public var durability = Durability.sync
    /// What the whole log keeps. Bytes count files.
    public var retention = RetentionPolicy(bytes: 1 << 30)
    public var maximumTopics = 100_000
    public var maximumScheduled = 100_000
    public var maximumIdempotencyKeys = 1 << 17
    public var idempotencyWindowMicroseconds: Int64 = 120_000_000
    /// Most bytes that wait to be written: what a second of a fast disk takes. Behind it publishes get 503.
    public var stagingBytes = 64 << 20

    public init() {}

    /// Smallest byte bound of the whole log.
    public static let minimumBytes = 16 << 20

    /// Largest segment: what is still in memory of a log is two of them at most.
    static let maximumSegmentBytes = 16 << 20

    var maximumBytes: Int { maximumBytes(retention) }

    func maximumBytes(_ retention: RetentionPolicy) -> Int {
        max(retention.bytes ?? .max / 4, smallSegmentBytes.map { $0 * 4 } ?? Self.minimumBytes)
    }

    /// Whether a log that was opened with this may keep as much instead: segments keep their size while it is open.
    public func allows(_ retention: RetentionPolicy) -> Bool {
        var other = self
        other.retention = retention
        return other.segmentBytes == segmentBytes
    }

    /// One sixteenth of the log, so that dropping one leaves most of it.
    var segmentBytes: Int { smallSegmentBytes ?? min(Self.maximumSegmentBytes, maximumBytes / 16) & ~4095 }
    /// Messages kept in memory though they can be read from disk.
    var tailBytes: Int { smallTailBytes ?? segmentBytes / 2 }
    /// Sizes that tests choose, so that little fills much.
    var smallSegmentBytes: Int?
    var smallTailBytes: Int?
    /// Segments that are full and wait for their index; with more the log does not keep up.
    static let maximumFinished = 4
    /// Segments that the files may be over their bound for a moment, while upkeep removes the oldest.
    static let maximumBehind = 6
    var mostBytesBehind: Int { Self.maximumBehind * segmentBytes }

    /// Bytes of files beyond which nothing is appended.
    func mostFileBytes(_ retention: RetentionPolicy) -> Int { maximumBytes(retention) + mostBytesBehind }

    /// What the part in memory is made with. Its bound is far above what it holds, as it is emptied segment by segment.
    var window: MemoryLog.Configuration {
        var configuration = MemoryLog.Configuration()
        configuration.retention = RetentionPolicy(bytes: max(256 << 20, 4 * stagingBytes), count: retention.count)
        configuration.maximumTopics = maximumTopics
        configuration.maximumScheduled = maximumScheduled
        configuration.maximumIdempotencyKeys = maximumIdempotencyKeys
        configuration.idempotencyWindowMicroseconds = idempotencyWindowMicroseconds
        return configuration
    }
}

/// What a log tells of its work. Called on its own threads, one call at a time.
public protocol SegmentLogObserver: AnyObject, Sendable {
    /// A commit is done: how long it took, and how many messages and bytes it made durable.
    func committed(nanoseconds: UInt64, messages: Int, bytes: Int)
    /// Something that an operator wants to know.
    func happened(_ event: SegmentLogEvent)
}

/// What may happen to a log on disk.
public enum SegmentLogEvent: Equatable, Sendable {
    /// Messages cannot be read any more.
    case foundDamage(segment: String, first: UInt64, last: UInt64)
    /// The disk is full; publishing goes on by itself once there is room.
    case diskFull(file: String)
    case hasRoomAgain
    /// The disk failed: the log can be read only, until it is started anew.
    case diskFailed(call: String, file: String, number: Int32)
}
