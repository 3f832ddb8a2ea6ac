/// What the log keeps for one topic.
struct TopicState: BitwiseCopyable {
    var isLive = false
    var messageCount = 0
    var byteCount = 0
    /// Ends of the chain of the topic's messages; `none` where there is no message.
    var first = Location.none
    var last = Location.none
    /// Sequence number of the first message; `.max` where there is none, so that records left behind by an
    /// earlier holder of this id never pass for ours.
    var firstSequence = UInt64.max
    var lastSequence: UInt64 = 0
    /// Messages up to here were lost to retention.
    var lostThrough: UInt64 = 0
    /// Readers that hear of new messages, and those that have been told and did not look yet.
    var watchers: UInt64 = 0
    var told: UInt64 = 0
    /// Settings made by `configure`; they hold the topic even while it is empty.
    var retention: RetentionPolicy?
    var createdMicroseconds: Int64 = 0

    var exists: Bool { isLive && (messageCount > 0 || retention != nil) }
}
