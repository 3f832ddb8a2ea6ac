/// Tells a thread that is stuck from one that is idle: all go round once a second at least.
///
/// A value that is handed what each thread has counted, and the time; it reads no clock.
public struct ThreadPulse: Sendable {
    /// Threads sleep up to a second, and a busy machine may let them wait as long again.
    public static let minimumPatienceMilliseconds: UInt64 = 2000

    private let patienceMilliseconds: UInt64
    private var turns: [Int] = []
    /// When each thread's count was last seen to have changed.
    private var changed: [UInt64] = []

    /// - Parameter patienceMilliseconds: how long a thread's count may stand still, no less than the minimum.
    public init(patienceMilliseconds: UInt64) {
        self.patienceMilliseconds = max(patienceMilliseconds, Self.minimumPatienceMilliseconds)
    }

    /// Looks at what the threads have counted.
    /// - Returns: the number of the first thread that is stuck; nil where none is.
    public mutating func stuckThread(_ counts: [Int], nowMilliseconds now: UInt64) -> Int? {
        if counts.count != turns.count {
            turns = counts
            changed = counts.map { _ in now }
        }
        for index in counts.indices where counts[index] != turns[index] {
            turns[index] = counts[index]
            changed[index] = now
        }
        return changed.firstIndex { now - $0 >= patienceMilliseconds }
    }
}
