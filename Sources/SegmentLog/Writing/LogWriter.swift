import PubSub

/// What the writer thread keeps for itself.
// Sendable: made with the log, then the writer's alone.
final class LogWriter: @unchecked Sendable {
    let segments: SegmentWriter
    /// Acknowledged already and not written, since the disk is full.
    var retained: StagingBuffer?
    var progress = SegmentWriter.Progress()
    var lastSynchronized: UInt64 = 0
    var lastProbe: UInt64 = 0

    init(
        configuration: SegmentLogConfiguration, storage: any LogStorage, identity: LogIdentity, spare: SpareFile
    ) {
        segments = SegmentWriter(
            storage: storage, identity: identity, segmentBytes: configuration.segmentBytes,
            isSynchronous: configuration.durability == .sync, spare: spare)
    }
}
