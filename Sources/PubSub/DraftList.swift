import Arenas

/// The drafts of one publish or batch, in memory that one loop takes once and uses again.
// unsafe: owns a flat table, lent as a span.
@safe
public struct DraftList: ~Copyable {
    private let drafts: UnsafeMutablePointer<MessageDraft>
    /// Most drafts.
    public let capacity: Int
    public private(set) var count = 0

    public init(capacity: Int) {
        self.capacity = capacity
        unsafe drafts = .allocate(capacity: capacity)
    }

    deinit { unsafe drafts.deallocate() }

    public mutating func append(_ draft: MessageDraft) {
        precondition(count < capacity)
        unsafe (drafts + count).initialize(to: draft)
        count += 1
    }

    public mutating func removeAll() { count = 0 }

    public subscript(index: Int) -> MessageDraft {
        precondition(index >= 0 && index < count)
        return unsafe drafts[index]
    }

    /// Calls `body` with all drafts, to be filled in by a log.
    public mutating func withDrafts<Result, Failure: Error>(
        _ body: (inout MutableSpan<MessageDraft>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var span = unsafe MutableSpan(_unsafeStart: drafts, count: count)
        return try body(&span)
    }
}
