import PubSub

/// What the upkeep thread keeps for itself.
// Sendable: made with the log, then the upkeep's alone.
final class LogUpkeep: @unchecked Sendable {
    let sealer: SegmentSealer
    let reader: SegmentReader
    /// A segment that is to be removed once what is kept of it is on disk elsewhere.
    var removal: (segment: SealedSegment, commit: UInt64)?
    /// What has to be on disk before the upkeep goes on.
    var awaitedCommit: UInt64 = 0
    /// Where the look for segments worth compacting stands.
    var compactionPosition = 0
    /// How much had been dropped when the look began, and how many segments are left to look at.
    var dropsSeen: UInt64 = 0
    var looksLeft = 0

    init(configuration: SegmentLogConfiguration, storage: any LogStorage, identity: LogIdentity) {
        sealer = SegmentSealer(storage: storage, identity: identity)
        reader = SegmentReader(storage: storage, identity: identity)
    }
}
