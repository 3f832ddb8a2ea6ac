import Synchronization

/// A value that many threads share, one at a time.
// unsafe: keeps the value behind a pointer, reached only while the lock is held, since a mutex does not lend its value
// to a closure that also works on what its caller has borrowed.
@safe
struct Locked<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
    private let lock = Mutex<Void>(())
    private let handover = Atomic<Bool>(false)
    private let value: UnsafeMutablePointer<Value>

    init(_ initial: consuming Value) {
        unsafe value = .allocate(capacity: 1)
        unsafe value.initialize(to: initial)
    }

    deinit {
        unsafe value.deinitialize(count: 1)
        unsafe value.deallocate()
    }

    /// Calls `body` with the value while no other thread has it. Not reentrant.
    @inline(__always)
    borrowing func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        lock.withLock { _ in
            // For ThreadSanitizer, which does not see the lock change hands inside the standard library.
            _ = handover.load(ordering: .acquiring)
            defer { handover.store(true, ordering: .releasing) }
            return unsafe body(&value.pointee)
        }
    }
}
