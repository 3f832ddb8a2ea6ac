import CLinux
import Synchronization

/// Wakes one sleeping thread. All rings between two waits count as one; ringing costs a system call only where the thread
/// sleeps. What a thread did before it rang is seen behind the wait that it ends.
// unsafe: a futex is an address; the word stands in memory that never moves.
@safe
final class Doorbell: @unchecked Sendable {
    private let word: UnsafeMutablePointer<Atomic<UInt32>>

    private enum State {
        static let quiet: UInt32 = 0
        static let rung: UInt32 = 1
        static let asleep: UInt32 = 2
    }

    init() {
        unsafe word = .allocate(capacity: 1)
        unsafe word.initialize(to: Atomic(State.quiet))
    }

    deinit {
        unsafe word.deinitialize(count: 1)
        unsafe word.deallocate()
    }

    private var address: UnsafePointer<UInt32> {
        unsafe UnsafeRawPointer(word).assumingMemoryBound(to: UInt32.self)
    }

    /// Any thread.
    func ring() {
        if unsafe word.pointee.exchange(State.rung, ordering: .sequentiallyConsistent) == State.asleep {
            unsafe postern_futex_wake(address)
        }
    }

    /// The one thread: sleeps until the bell is rung, or the time is over.
    /// - Parameter nanoseconds: negative for no end.
    func wait(nanoseconds: Int64 = -1) {
        let (slept, _) = unsafe word.pointee.compareExchange(
            expected: State.quiet, desired: State.asleep, ordering: .sequentiallyConsistent)
        if slept { unsafe postern_futex_wait(address, State.asleep, nanoseconds) }
        _ = unsafe word.pointee.exchange(State.quiet, ordering: .sequentiallyConsistent)
    }
}
