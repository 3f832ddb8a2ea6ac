/// What the log keeps for one topic.
package struct TopicState: BitwiseCopyable {
    package var isLive = false
    package var messageCount = 0
    package var byteCount = 0
    /// Ends of the chain of the topic's messages; `none` where there is no message.
    var first = Location.none
    var last = Location.none
    /// Sequence number of the first message; `.max` where there is none, so that records left behind by an
    /// earlier holder of this id never pass for ours.
    package var firstSequence = UInt64.max
    package var lastSequence: UInt64 = 0
    /// Messages up to here were lost to retention.
    package var lostThrough: UInt64 = 0
    /// What it lost was known of its name alone when it came back, and is not written to disk yet.
    package var lossIsRemembered = false
    /// Readers that hear of new messages, and those that have been told and did not look yet.
    package var watchers: UInt64 = 0
    package var told: UInt64 = 0
    /// Settings made by `configure`; they hold the topic even while it is empty.
    package var retention: RetentionPolicy?
    package var createdMicroseconds: Int64 = 0

    package var exists: Bool { isLive && (messageCount > 0 || retention != nil) }
}
