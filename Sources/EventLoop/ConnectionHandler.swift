/// What a loop does with its connections. Every call comes on the loop's own thread; none is made while another is
/// under way, and none from inside a call on the loop.
public protocol ConnectionHandler: AnyObject {
    /// A connection was accepted. `EventLoop.acceptedAddress` says who it is from.
    func opened(_ id: ConnectionID)
    /// Bytes came that stand before all others, where the listener says that there are such.
    /// - Returns: how many more are wanted, 0 where that was all; nil refuses the connection. What was wanted of it at
    ///   first is asked with no bytes.
    func preface(_ id: ConnectionID, _ bytes: Span<UInt8>) -> Int?
    /// Bytes were read. They stand in the loop's scratch and live for the call.
    func received(_ id: ConnectionID, _ bytes: Span<UInt8>)
    /// The peer will send nothing more; it may still read. Told once all it sent was read. Where reading is paused it is
    /// told as soon as it is known as well; what came before the end follows when reading is resumed, and then the end
    /// is told again.
    func peerFinishedSending(_ id: ConnectionID)
    /// The connection's deadline has passed. It has none any more.
    func deadlineReached(_ id: ConnectionID)
    /// All that was sent is written, after some of it had to wait for the peer.
    func outputDrained(_ id: ConnectionID)
    /// The connection is over; the name means nothing any more.
    func closed(_ id: ConnectionID, _ reason: CloseReason)
    /// All sockets that had something were served, or the loop was woken. Called once a turn.
    func tick()
    /// A second has passed.
    func everySecond()
    /// The loop takes no more connections and is to end those it has.
    func drainBegan()
    /// The operator asks to look at the configuration again (SIGHUP); on the first loop only.
    func reloadRequested()
}

extension ConnectionHandler {
    public func preface(_ id: ConnectionID, _ bytes: Span<UInt8>) -> Int? { 0 }
    public func outputDrained(_ id: ConnectionID) {}
    public func reloadRequested() {}
}
