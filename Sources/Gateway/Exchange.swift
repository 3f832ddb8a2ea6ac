import Arenas
import HTTP
import PubSub

/// What a loop keeps of one connection's protocol. Small, since a parked poll keeps nothing else.
struct Exchange {
    enum Phase: UInt8 {
        /// A head is awaited or arriving.
        case head
        /// A body is arriving.
        case body
        /// A poll waits for messages.
        case parked
        /// A stream is open.
        case streaming
        /// Replies wait for the client to take them; more requests are served behind them.
        case blocked
        /// A request waits until what the ones before it published is on disk.
        case committing
        /// Nothing more is served.
        case ended
    }

    var phase = Phase.head
    var method = Method.other
    /// Looked at so far of a head that is arriving.
    var scan = ScanPosition()
    /// Bytes that came and could not be served yet; `.max` where there are none.
    var stash = Exchange.none
    /// The body that is arriving.
    var incoming = Exchange.none
    /// The parked poll's or stream's.
    var waiter = WaiterTable.none
    var stream = Exchange.none
    /// The parked poll's name, where its client gave one.
    var name = Exchange.none
    /// What the log of requests is told of a parked poll, once it is answered.
    var accessEntry = Exchange.none
    /// Replies that wait for the log.
    var held: UInt16 = 0
    /// When the request under way was first looked at.
    var startedNanoseconds: UInt64 = 0

    static let none = UInt32.max
}

/// A request whose body arrives in pieces: the head and what came of the body, in a leased arena.
struct IncomingRequest: ~Copyable {
    var lease: ArenaLease?
    var admission = Admission()
    var origin: UInt8 = 0
    var bytes: ArenaBuffer.Suspended?
    var headBytes = 0
    var bodyBytes = 0
    /// Bytes that came since it was begun to be taken, and when that was.
    var receivedBytes = 0
    /// Bytes of the body to come; counts for bodies of known length.
    var remaining = 0
    var chunks: ChunkedDecoder?
    var leasedNanoseconds: UInt64 = 0
}
