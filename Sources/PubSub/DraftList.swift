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
        isHeld = true
    }

    /// Forgets all drafts; their topics' holds are to be given up before.
    public mutating func removeAll() {
        assert(!isHeld, "drafts were forgotten with their topics still held")
        count = 0
    }

    /// Whether the drafts' topics are still held.
    private var isHeld = false

    /// Calls `body` once with the drafts whose topics are held; they are not after that.
    public mutating func withHeldDrafts(_ body: (Span<MessageDraft>) -> Void) {
        guard isHeld else { return }
        isHeld = false
        body(unsafe Span(_unsafeStart: drafts, count: count))
    }

    public subscript(index: Int) -> MessageDraft {
        precondition(index >= 0 && index < count)
        return unsafe drafts[index]
    }

    /// Calls `body` with all drafts, to be appended to a log, which fills them in and gives up their holds; where it
    /// throws, the holds stay.
    public mutating func withDrafts<Result, Failure: Error>(
        _ body: (inout MutableSpan<MessageDraft>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var span = unsafe MutableSpan(_unsafeStart: drafts, count: count)
        let result = try body(&span)
        isHeld = false
        return result
    }
}
