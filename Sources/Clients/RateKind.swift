/// What is limited.
public enum RateKind: UInt8, Sendable, CaseIterable, BitwiseCopyable {
    case requests, bytes, messages, topics, connections, polls, streams

    /// The name in header fields and metrics.
    public var name: StaticString {
        switch self {
        case .requests: "requests"
        case .bytes: "bytes"
        case .messages: "messages"
        case .topics: "topics"
        case .connections: "connections"
        case .polls: "polls"
        case .streams: "streams"
        }
    }
}

/// What a client has at a time and gives back.
public enum Occupancy: UInt8, Sendable, CaseIterable, BitwiseCopyable {
    case connection, poll, stream

    /// What it counts towards.
    public var kind: RateKind {
        switch self {
        case .connection: .connections
        case .poll: .polls
        case .stream: .streams
        }
    }
}
