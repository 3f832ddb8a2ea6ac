import Arenas

/// Whether a client may go on.
public enum RateVerdict: Equatable, Sendable {
    /// It may, and the cost was taken. How the limit on requests stands, where there is one.
    case allowed(RateStanding?)
    /// It may not, and nothing was taken.
    /// - Parameter retryAfterSeconds: after how many whole seconds, at least 1, the same would be let through if nothing
    ///   else is asked meanwhile.
    case limited(by: RateKind, retryAfterSeconds: UInt64)

    public var isAllowed: Bool { if case .allowed = self { true } else { false } }
}

/// How a limit stands for one client.
public struct RateStanding: Equatable, Sendable, BitwiseCopyable {
    /// Which limit.
    public let kind: RateKind
    /// Tokens of a full bucket.
    public let limit: UInt64
    /// Tokens that are left.
    public let remaining: UInt64
    /// Seconds until the bucket is full again, rounded up.
    public let resetSeconds: UInt64

    /// Appends the value of the `RateLimit` header field: `"requests";r=99;t=1`
    /// (draft-ietf-httpapi-ratelimit-headers-10, section 4).
    public func writeRateLimit(to output: inout OutputBuffer) {
        output.append("\"")
        output.append(kind.name)
        output.append("\";r=")
        output.appendDecimal(remaining)
        output.append(";t=")
        output.appendDecimal(resetSeconds)
    }
}

extension RateLimit {
    /// Appends the value of the `RateLimit-Policy` header field: `"requests";q=100;w=1`
    /// (draft-ietf-httpapi-ratelimit-headers-10, section 3).
    public func writePolicy(_ kind: RateKind, to output: inout OutputBuffer) {
        output.append("\"")
        output.append(kind.name)
        output.append("\";q=")
        output.appendDecimal(burst)
        output.append(";w=")
        output.appendDecimal(windowSeconds)
    }
}
