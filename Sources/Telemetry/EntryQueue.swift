import Glibc
import Synchronization

/// Entries of a log on their way from threads that may not wait to one that may: bounded, and what finds no room is counted.
///
/// Any thread appends. `body` is called for each entry, in their order, on a thread of the queue's own, which ends with
/// `end()`, behind the last entry.
// unsafe: owns the semaphore, which is told of by its address alone.
@safe
public final class EntryQueue<Entry: Sendable>: @unchecked Sendable {
    private struct State: Sendable {
        var entries: [Entry] = []
        var isEnding = false
    }

    private let state = Mutex<State>(State())
    private let capacity: Int
    private let body: @Sendable (Entry) -> Void
    private let semaphore: UnsafeMutablePointer<sem_t>
    private let lost = Atomic<Int>(0)
    private let thread = Mutex<pthread_t?>(nil)

    /// - Parameter capacity: entries that may wait.
    public init(capacity: Int, _ body: @escaping @Sendable (Entry) -> Void) {
        self.capacity = capacity
        self.body = body
        unsafe semaphore = .allocate(capacity: 1)
        unsafe sem_init(semaphore, 0, 0)
    }

    deinit {
        unsafe sem_destroy(semaphore)
        unsafe semaphore.deallocate()
    }

    /// Entries that found no room.
    public var lostTotal: Int { lost.load(ordering: .relaxed) }

    /// Never waits for `body`.
    public func append(_ entry: Entry) {
        let isFirst = state.withLock { state -> Bool in
            guard state.entries.count < capacity else {
                lost.add(1, ordering: .relaxed)
                return false
            }
            state.entries.append(entry)
            return state.entries.count == 1
        }
        // The thread takes all that are there at once.
        if isFirst { unsafe sem_post(semaphore) }
    }

    /// Starts the thread. Called once.
    public func start() {
        let started = LogThread.start { self.run() }
        thread.withLock { $0 = started }
    }

    private func run() {
        while true {
            let (entries, isEnding) = state.withLock { state in
                let taken = state.entries
                state.entries.removeAll(keepingCapacity: true)
                return (taken, state.isEnding)
            }
            for entry in entries { body(entry) }
            if entries.isEmpty, isEnding { return }
            if entries.isEmpty { while unsafe sem_wait(semaphore) != 0 {} }
        }
    }

    /// Waits until all entries are dealt with. Called once, when nobody appends any more.
    public func end() {
        state.withLock { $0.isEnding = true }
        unsafe sem_post(semaphore)
        if let started = thread.withLock({ $0.take() }) { pthread_join(started, nil) }
    }
}
