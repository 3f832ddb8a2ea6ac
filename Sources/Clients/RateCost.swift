/// What a request takes.
public struct RateCost: Equatable, Sendable, BitwiseCopyable {
    public var requests: UInt64
    public var bytes: UInt64
    public var messages: UInt64
    public var topics: UInt64

    public init(requests: UInt64 = 0, bytes: UInt64 = 0, messages: UInt64 = 0, topics: UInt64 = 0) {
        self.requests = requests
        self.bytes = bytes
        self.messages = messages
        self.topics = topics
    }
}
