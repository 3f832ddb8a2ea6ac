import Arenas

/// One connection's place in its loop's table.
@usableFromInline
struct Connection: BitwiseCopyable {
    enum Phase: UInt8 {
        case free
        /// Serving.
        case open
        /// The handler let go; what is pending is still written.
        case flushing
        /// All is written and our side is shut; what the peer still sends is read and dropped.
        case lingering
        /// Broken or done; closed before the turn ends.
        case doomed
    }

    var descriptor: Int32 = -1
    var generation: UInt32 = 1
    var phase = Phase.free
    var reason = CloseReason.finished
    var isReadingPaused = false
    var isWriteArmed = false
    var isHandlerDone = false
    var hasPeerFinished = false
    /// Output that the socket did not take; `.max` where there is none.
    var pending = UInt32.max
    /// The next free or doomed connection.
    var next = UInt32.max

    static let none = UInt32.max
}

/// Output that a socket did not take yet.
struct PendingOutput: ~Copyable {
    var buffer = OutputBuffer(capacity: 4096)
    /// Bytes of it that were sent.
    var sent = 0

    var isWritten: Bool { sent == buffer.count }

    /// Writes as much as the socket takes: how much, or a negated errno.
    mutating func write(to descriptor: Int32) -> Int {
        let written = SystemCalls.send(descriptor, buffer.span.extracting(sent..<buffer.count))
        sent += max(0, written)
        return written
    }
}
