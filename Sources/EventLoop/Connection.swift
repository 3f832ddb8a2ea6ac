/// One connection's place in its loop's table. With its timer it is all that an idle connection costs here.
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

    /// How far a connection is before bytes reach its handler as they were meant.
    enum Stage: UInt8 {
        /// Bytes before all others, which TLS does not cover.
        case preface
        /// TLS is being agreed on.
        case handshake
        case established
    }

    var descriptor: Int32 = -1
    var generation: UInt32 = 1
    var phase = Phase.free
    var stage = Stage.established
    /// The number of the address it came in at.
    var listener: UInt8 = 0
    /// Its session has bytes that epoll does not tell of; it is in the loop's list of those.
    var isReady = false
    var reason = CloseReason.finished
    var isReadingPaused = false
    var isWriteArmed = false
    /// The deadline is the peer's to take pending output; it begins anew whenever some is taken.
    var isOutputAwaited = false
    var isHandlerDone = false
    /// The handler knows that the peer has finished sending.
    var isEndTold = false
    /// The end of the peer's bytes was read; while reading is paused it may be told before that, and is told once more then.
    var isEndRead = false
    /// Output that the socket did not take; `.max` where there is none.
    var pending = UInt32.max
    /// TLS; `.max` where there is none.
    var session = UInt32.max
    /// The next free or doomed connection.
    var next = UInt32.max
    /// The next whose session has bytes.
    var nextReady = UInt32.max

    static let none = UInt32.max
}
