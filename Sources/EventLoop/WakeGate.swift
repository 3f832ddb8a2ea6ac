import Synchronization

/// Decides whether a loop may sleep, and whether another thread's wake has to cost a system call.
///
/// All wakes between two turns count as one; the descriptor is signalled only where the loop sleeps or is about to, and
/// once at most. What a thread did before `wake` is seen by the turn that follows the next `rise`.
struct WakeGate: ~Copyable {
    private let isPending = Atomic<Bool>(false)
    private let isAsleep = Atomic<Bool>(false)

    /// Any thread: asks for a turn.
    /// - Returns: whether the loop has to be signalled.
    func wake() -> Bool {
        guard !isPending.exchange(true, ordering: .sequentiallyConsistent) else { return false }
        return isAsleep.load(ordering: .sequentiallyConsistent)
    }

    /// The loop's thread: is about to wait.
    /// - Returns: whether it may sleep; where not, it looks at its sockets and goes on.
    func lieDown() -> Bool {
        // The flag goes up before the look: a wake that comes between finds the loop asleep, and signals.
        isAsleep.store(true, ordering: .sequentiallyConsistent)
        return !isPending.load(ordering: .sequentiallyConsistent)
    }

    /// The loop's thread: has waited, and begins a turn.
    func rise() {
        isAsleep.store(false, ordering: .sequentiallyConsistent)
        // An exchange, not a store: what the waking threads did is to be seen from here on.
        _ = isPending.exchange(false, ordering: .sequentiallyConsistent)
    }
}
