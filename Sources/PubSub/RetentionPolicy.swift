/// How much of a topic, or of the whole log, is kept. What goes over any bound is dropped, oldest first.
public struct RetentionPolicy: BitwiseCopyable, Equatable, Sendable {
    /// Longest age, in microseconds; nil for no bound.
    public var ageMicroseconds: Int64?
    /// Most bytes of stored messages; nil for no bound.
    public var bytes: Int?
    /// Most messages; nil for no bound.
    public var count: Int?

    public init(ageMicroseconds: Int64? = nil, bytes: Int? = nil, count: Int? = nil) {
        self.ageMicroseconds = ageMicroseconds
        self.bytes = bytes
        self.count = count
    }

    public static let unbounded = RetentionPolicy()
}
