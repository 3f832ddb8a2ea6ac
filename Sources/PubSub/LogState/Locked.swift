import Synchronization

/// A value that many threads share, one at a time.
///
/// `Synchronization.Mutex` refuses to lend its value to a closure that also works on the caller's spans; the rule is
/// meant for values that flow out of the lock, and none here can, since every result is `Sendable`.
// unsafe: keeps the value behind a pointer, reached only while the lock is held.
@safe
package struct Locked<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    private let lock = Mutex<Void>(())
    private let handover = Atomic<Bool>(false)
    private let value: UnsafeMutablePointer<Value>

    package init(_ initial: consuming Value) {
        unsafe value = .allocate(capacity: 1)
        unsafe value.initialize(to: initial)
    }

    deinit {
        unsafe value.deinitialize(count: 1)
        unsafe value.deallocate()
    }

    /// Calls `body` with the value while no other thread has it. Not reentrant.
    package borrowing func withLock<Result: Sendable, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try lock.withLock { _ throws(Failure) in
            // ThreadSanitizer does not see a contended lock change hands, since that happens inside the
            // standard library; it sees this pair, which costs two plain moves.
            _ = handover.load(ordering: .acquiring)
            defer { handover.store(true, ordering: .releasing) }
            return unsafe try body(&value.pointee)
        }
    }
}
