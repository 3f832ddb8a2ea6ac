/// What somebody may do.
///
/// A read that asks for more than is granted is refused whole (403) and never narrowed: a client cannot take a part
/// for the whole, and nothing tells it what topics there are. A value; any thread. Asking allocates nothing.
public struct Grants: Sendable, Equatable {
    /// Topics that may be published to.
    public var publish: PatternList
    /// Topics that may be read.
    public var subscribe: PatternList
    /// Whether topics may be configured and deleted, and the server's figures be seen. It is no leave to publish or to
    /// read.
    public var isAdmin: Bool

    /// Without arguments: nothing is allowed.
    public init(publish: PatternList = PatternList(), subscribe: PatternList = PatternList(), isAdmin: Bool = false) {
        self.publish = publish
        self.subscribe = subscribe
        self.isAdmin = isAdmin
    }

    /// Whether `topic`, a valid name, may be published to, at once or with a delay.
    public func mayPublish(_ topic: Span<UInt8>) -> Bool { publish.matches(topic) }

    /// Whether `selection`, valid names and patterns joined by commas, may be read: all that it may ever select is
    /// granted. `orders.**` is leave for `orders.*` and `orders.eu.created`, not for `**` and not for `orders,orders.*`.
    public func maySubscribe(_ selection: Span<UInt8>) -> Bool { subscribe.covers(selection) }

    /// Whether a list of topics shows `topic`: it may be published to or read, or whoever asks looks after all topics.
    public func mayList(_ topic: Span<UInt8>) -> Bool {
        isAdmin || publish.matches(topic) || subscribe.matches(topic)
    }
}
