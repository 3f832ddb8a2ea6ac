import Synchronization

/// The streams of all loops, against their limit. Any thread.
final class StreamCount: Sendable {
    private let limit: Atomic<Int>
    private let count = Atomic<Int>(0)

    init(limit: Int) { self.limit = Atomic(limit) }

    /// Those that are over a lower limit stay.
    func setLimit(_ limit: Int) { self.limit.store(limit, ordering: .relaxed) }

    /// Counts one more.
    /// - Returns: false where there are as many as may be.
    func enter() -> Bool {
        guard count.add(1, ordering: .relaxed).newValue > limit.load(ordering: .relaxed) else { return true }
        leave()
        return false
    }

    func leave() { count.subtract(1, ordering: .relaxed) }
}
