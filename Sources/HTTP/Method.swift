/// A request's method (RFC 9110, section 9). Names are case-sensitive.
public enum Method: UInt8, Sendable, CaseIterable {
    case get, head, post, put, delete, options, patch, connect, trace
    /// A well-formed method that this server has no name for.
    case other

    public var name: StaticString {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .patch: "PATCH"
        case .connect: "CONNECT"
        case .trace: "TRACE"
        case .other: "OTHER"
        }
    }

    init(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        self = .other
        switch range.count {
        case 3:
            if bytes.holds("GET", at: range.lowerBound) {
                self = .get
            } else if bytes.holds("PUT", at: range.lowerBound) {
                self = .put
            }
        case 4:
            if bytes.holds("POST", at: range.lowerBound) {
                self = .post
            } else if bytes.holds("HEAD", at: range.lowerBound) {
                self = .head
            }
        case 5:
            if bytes.holds("PATCH", at: range.lowerBound) {
                self = .patch
            } else if bytes.holds("TRACE", at: range.lowerBound) {
                self = .trace
            }
        case 6:
            if bytes.holds("DELETE", at: range.lowerBound) { self = .delete }
        case 7:
            if bytes.holds("OPTIONS", at: range.lowerBound) {
                self = .options
            } else if bytes.holds("CONNECT", at: range.lowerBound) {
                self = .connect
            }
        default: break
        }
    }
}
