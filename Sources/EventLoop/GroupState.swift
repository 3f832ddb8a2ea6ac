import Synchronization

/// What all loops of a group share.
final class GroupState: Sendable {
    let isDraining = Atomic<Bool>(false)
    let isStopping = Atomic<Bool>(false)
    private let connections = Atomic<Int>(0)
    private let loops = Mutex<[EventLoop]>([])

    func add(_ loop: EventLoop) { loops.withLock { $0.append(loop) } }
    func removeAll() { loops.withLock { $0.removeAll() } }

    func drain() {
        isDraining.store(true, ordering: .relaxed)
        wakeAll()
    }

    func stop() {
        isStopping.store(true, ordering: .relaxed)
        wakeAll()
    }

    private func wakeAll() {
        let all = loops.withLock { $0 }
        for loop in all { loop.wake() }
    }

    /// Counts a connection in, where there may be one more.
    func takeConnection(limit: Int) -> Bool {
        guard connections.add(1, ordering: .relaxed).newValue > limit else { return true }
        connections.subtract(1, ordering: .relaxed)
        return false
    }

    func giveConnection() { connections.subtract(1, ordering: .relaxed) }
}
