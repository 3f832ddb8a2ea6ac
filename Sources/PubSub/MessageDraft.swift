import Arenas

/// A message on its way into the log: where its bytes stand in the batch, and what the log fills in.
///
/// The bytes are the message as it will be delivered, one line of JSON. The log writes the cursor, the time and,
/// where the publisher gave none, the id into them as it assigns them: three fixed-width places.
public struct MessageDraft: BitwiseCopyable, Sendable {
    /// The topic, retained by whoever made the draft.
    public var topic: TopicID
    /// Where the message's bytes begin in the batch, and how many there are.
    public var offset: Int
    public var byteCount: Int
    /// Where in the message the cursor and the time go.
    public var cursorOffset: Int
    public var timeOffset: Int
    /// Where in the message the cursor goes once more as its id; 0 where the publisher named an id.
    public var idOffset: Int
    /// Where in the message its attributes stand, a JSON object of strings with names in lower case; 0 where it has none.
    public var attributesOffset: Int
    /// How long the message may be read, in microseconds; 0 for as long as retention lets it.
    public var timeToLiveMicroseconds: Int64
    /// When the message is to be delivered; 0 for at once.
    public var deliverMicroseconds: Int64 = 0
    /// What tells a repeated publish from a new one; nil where the publisher gave no idempotency key.
    public var idempotency: IdempotencyHash?

    /// Filled in by the log: the sequence number and time of the stored message, or of the one this repeats.
    public var sequence: UInt64 = 0
    public var timeMicroseconds: Int64 = 0
    public var isDuplicate = false
    /// The message waits for its time, or did when it was first published: it has no sequence number yet, but this one.
    public var isScheduled = false
    public var scheduleNumber: UInt64 = 0

    public init(
        topic: TopicID, offset: Int, byteCount: Int, cursorOffset: Int, timeOffset: Int, idOffset: Int,
        attributesOffset: Int = 0, timeToLiveMicroseconds: Int64 = 0, idempotency: IdempotencyHash? = nil
    ) {
        self.topic = topic
        self.offset = offset
        self.byteCount = byteCount
        self.cursorOffset = cursorOffset
        self.timeOffset = timeOffset
        self.idOffset = idOffset
        self.attributesOffset = attributesOffset
        self.timeToLiveMicroseconds = timeToLiveMicroseconds
        self.idempotency = idempotency
    }
}

/// 128 keyed bits over a topic and an idempotency key; equal bits are taken as the same publish.
public struct IdempotencyHash: BitwiseCopyable, Equatable, Sendable {
    public var high: UInt64
    public var low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}

/// One distinct topic name, as long as somebody holds it.
public typealias TopicID = InternedID
