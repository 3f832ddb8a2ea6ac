import Arenas
import PubSub

/// Records on their way to the disk: filled under the log's lock, then written by the log's writer while the next one is
/// filled.
// Sendable: it is the log's state's or the writer's, never both's.
final class StagingBuffer: @unchecked Sendable {
    let block: Block
    /// Bytes in it.
    private(set) var count = 0
    /// The change that each append ends, from the first on; a record says in its place which it belongs to.
    private(set) var firstCommit: UInt64 = 0
    private(set) var lastCommit: UInt64 = 0
    private(set) var firstSequence: UInt64 = 0
    private(set) var lastSequence: UInt64 = 0
    private(set) var messageCount = 0
    /// The newest schedule number; 0 where nothing in it is to wait.
    private(set) var lastSchedule: UInt64 = 0
    private var appendStart = 0
    private var lastRecord = 0
    private let tag: UInt32

    /// Memory kept once it was written.
    private static let keptBytes = 1 << 20

    init(capacity: Int, tag: UInt32) {
        block = Block(capacity: capacity)
        self.tag = tag
    }

    var isEmpty: Bool { count == 0 }
    var freeBytes: Int { block.capacity - count }

    /// Adds a record, for which there is room.
    func append(_ header: RecordHeader, _ topic: Span<UInt8>, _ message: Span<UInt8>) {
        var header = header
        header.continues = true
        lastRecord = count
        header.write(to: block, at: count, tag: tag)
        block.store(topic, at: count + header.topicRange.lowerBound)
        block.store(message, at: count + header.messageRange.lowerBound)
        finish(header)
    }

    /// Adds a message that is to wait.
    func append(_ header: RecordHeader, _ topic: Span<UInt8>, _ payload: ScheduledPayload, _ message: Span<UInt8>) {
        var header = header
        header.continues = true
        lastRecord = count
        header.write(to: block, at: count, tag: tag)
        block.store(topic, at: count + header.topicRange.lowerBound)
        payload.write(to: block, at: count + header.messageRange.lowerBound)
        block.store(message, at: count + header.messageRange.lowerBound + ScheduledPayload.byteCount)
        lastSchedule = max(lastSchedule, payload.number)
        finish(header)
    }

    private func finish(_ header: RecordHeader) {
        let end = count + header.byteCount
        count += header.storedBytes
        if end < count { block.fill(end..<count) }
        if header.kind == .message {
            if messageCount == 0 { firstSequence = header.sequence }
            lastSequence = header.sequence
            messageCount += 1
        }
    }

    /// Ends an append: its records are stored together, or none.
    func endAppend(_ commit: UInt64) {
        guard count > appendStart else { return }
        RecordHeader.endAppend(in: block, at: lastRecord)
        if appendStart == 0 { firstCommit = commit }
        lastCommit = commit
        appendStart = count
    }

    func removeAll() {
        if count > Self.keptBytes { block.discard(from: Self.keptBytes) }
        count = 0
        appendStart = 0
        lastRecord = 0
        messageCount = 0
        lastSchedule = 0
        firstCommit = 0
        lastCommit = 0
        firstSequence = 0
        lastSequence = 0
    }
}
