/// A request's head, as ranges of the bytes it was parsed from.
public struct RequestHead: Equatable, Sendable {
    /// RFC 9112, section 3.2.
    public enum TargetForm: UInt8, Sendable { case origin, absolute, authority, asterisk }

    public internal(set) var method = Method.other
    public internal(set) var methodRange = 0..<0
    public internal(set) var targetForm = TargetForm.origin
    /// Still percent-encoded. Empty for an absolute target without a path, which means `/`.
    public internal(set) var path = 0..<0
    /// What stands behind the question mark, still encoded.
    public internal(set) var query: Range<Int>?
    /// 1 for HTTP/1.1, 0 for HTTP/1.0.
    public internal(set) var minorVersion = 1
    /// The body's length in bytes, where the head tells.
    public internal(set) var contentLength: Int?
    /// The body comes in chunks.
    public internal(set) var isChunked = false
    /// The client waits for `100 Continue` before it sends the body.
    public internal(set) var expectsContinue = false
    /// The connection may serve another request after this one.
    public internal(set) var keepsAlive = true
    /// Bytes of the head, the empty line and anything skipped before it included.
    public internal(set) var byteCount = 0
    public internal(set) var fieldCount = 0

    public var hasBody: Bool { isChunked || (contentLength ?? 0) > 0 }

    /// The same, for a connection that ends behind the reply whatever the client would like.
    public var closing: RequestHead {
        var copy = self
        copy.keepsAlive = false
        return copy
    }
}

/// How far a head that is still arriving was looked at.
public struct ScanPosition: BitwiseCopyable, Equatable, Sendable {
    /// Bytes in which no further line end was found.
    var scanned: UInt16 = 0
    /// Up to this many bytes there is nothing new to say without another line feed.
    var quiet: UInt16 = 0

    public init() {}
}
