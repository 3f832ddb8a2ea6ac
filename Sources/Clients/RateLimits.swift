/// What one client may do; nil is without a limit.
///
/// A plain value, made when the configuration is read.
public struct RateLimits: Equatable, Sendable {
    public var requests: RateLimit?
    /// Bytes that are received.
    public var bytes: RateLimit?
    /// Messages that are published.
    public var messages: RateLimit?
    /// Topics that come into being.
    public var topics: RateLimit?
    /// Connections at a time.
    public var connections: UInt32?
    /// Long polls that are parked at a time.
    public var polls: UInt32?
    /// Streams at a time.
    public var streams: UInt32?

    /// Without limits.
    public init() {}

    /// Whether nothing is limited, so that no table is needed.
    public var isUnlimited: Bool { self == RateLimits() }

    /// The limit of a kind that comes back with time.
    func rate(_ kind: RateKind) -> RateLimit? {
        switch kind {
        case .requests: requests
        case .bytes: bytes
        case .messages: messages
        case .topics: topics
        case .connections, .polls, .streams: nil
        }
    }

    /// The limit of a kind that is counted.
    func count(_ kind: Occupancy) -> UInt32? {
        switch kind {
        case .connection: connections
        case .poll: polls
        case .stream: streams
        }
    }
}
