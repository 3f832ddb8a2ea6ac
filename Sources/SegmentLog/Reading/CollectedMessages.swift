import PubSub

/// Messages of one read that came from disk, copied out of the part of the file that is read over by the next.
// unsafe: lends the read's entries addresses into a block that does not move while they are used.
final class CollectedMessages {
    private let block = Block(capacity: 4096)
    private var count = 0

    /// Memory kept between reads.
    private static let keptBytes = 2 << 20

    func removeAll() {
        if count > Self.keptBytes { block.discard(from: Self.keptBytes) }
        count = 0
    }

    /// - Parameter room: most bytes of one read, but for a first message that alone is larger.
    func add(_ message: Span<UInt8>, room: Int, to entries: inout ReadEntries) {
        // Only before the first: what is noted must not move.
        if count == 0 { block.reserve(max(room, message.count)) }
        let range = count..<count + message.count
        block.store(message, at: count)
        unsafe entries.add(UnsafePointer(block.address(range).assumingMemoryBound(to: UInt8.self)), message.count)
        count += message.count
    }
}
