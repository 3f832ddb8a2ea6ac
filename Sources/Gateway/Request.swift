import HTTP

/// One request while it is served: its head as ranges of its bytes, and its body.
struct Request: ~Escapable {
    let head: RequestHead
    /// What the head's ranges point into.
    let bytes: Span<UInt8>
    let body: Span<UInt8>
    /// The path's parameter, still encoded; empty where the route has none.
    let parameter: Range<Int>

    @_lifetime(copy bytes, copy body)
    init(head: RequestHead, bytes: Span<UInt8>, body: Span<UInt8>, parameter: Range<Int>) {
        self.head = head
        self.bytes = bytes
        self.body = body
        self.parameter = parameter
    }

    var isHead: Bool { head.method == .head }

    /// What becomes of the connection behind the reply.
    var fate: ConnectionFate {
        if !head.keepsAlive { return .closes }
        return head.minorVersion == 0 ? .staysOpenExplicitly : .staysOpen
    }
}

/// What becomes of a connection behind a reply.
enum ConnectionFate: UInt8 {
    case staysOpen
    /// HTTP/1.0 is told.
    case staysOpenExplicitly
    case closes
}
