import SegmentLog
import Synchronization
import Telemetry

/// What a log on disk tells of its work: figures for `/metrics`, and words for whoever reads the logs.
public final class StorageMetrics: SegmentLogObserver {
    let commitDuration = LatencyHistogram(bounds: .requestNanoseconds)
    let commitMessages = LatencyHistogram(bounds: .messages)
    private let logger = Logger(label: "postern.log")

    public init() {}

    // Called by the log's writer alone, as a histogram wants it.
    public func committed(nanoseconds: UInt64, messages: Int, bytes: Int) {
        commitDuration.observe(nanoseconds: nanoseconds)
        commitMessages.observe(value: UInt64(messages))
    }

    public func happened(_ event: SegmentLogEvent) {
        switch event {
        case .foundDamage(let segment, let first, let last):
            logger.error(
                "messages are damaged on disk and cannot be read; readers are told of a gap",
                metadata: ["segment": "\(segment)", "first": "\(first)", "last": "\(last)"])
        case .diskFull(let file):
            logger.error(
                "the disk is full; publishes get 507 until there is room", metadata: ["file": "\(file)"])
        case .hasRoomAgain: logger.notice("the disk has room again; publishes are taken")
        case .diskFailed(let call, let file, let number):
            logger.critical(
                "the disk failed; messages can be read, and none is stored until this server is started anew",
                metadata: ["call": "\(call)", "file": "\(file)", "error": "\(ErrorText.text(number))"])
        }
    }
}
