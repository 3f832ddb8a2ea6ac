import Arenas
import Synchronization

/// What the log knows of its readers: what news each is owed, and where each may still be copying from.
// unsafe: a flat table of a fixed size, so that telling a reader under the lock never allocates.
@safe
package struct ReaderTable: ~Copyable {
    private let queues: UnsafeMutablePointer<NewsQueue>
    private let floors: UnsafeMutablePointer<ReaderFloor>
    private(set) var count = 0
    /// Readers that hear of every topic, since they watch a pattern.
    package var watchingAll: UInt64 = 0

    init() {
        unsafe queues = .allocate(capacity: ReaderSet.capacity)
        unsafe floors = .allocate(capacity: ReaderSet.capacity)
    }

    deinit {
        unsafe queues.deinitialize(count: count)
        unsafe floors.deinitialize(count: count)
        unsafe queues.deallocate()
        unsafe floors.deallocate()
    }

    package mutating func add(_ floor: ReaderFloor, newsCapacity: Int) -> Int {
        precondition(count < ReaderSet.capacity, "a log has at most \(ReaderSet.capacity) readers")
        var queue = NewsQueue()
        queue.reserve(newsCapacity)
        unsafe (queues + count).initialize(to: queue)
        unsafe (floors + count).initialize(to: floor)
        count += 1
        return count - 1
    }

    mutating func reserveNews(_ bound: Int) {
        for index in 0..<count { unsafe queues[index].reserve(bound) }
    }

    mutating func tell(_ reader: Int, _ topic: TopicID) { unsafe queues[reader].push(topic) }

    package mutating func takeNews(_ reader: Int) -> TopicID? {
        guard let id = unsafe queues[reader].pop() else { return nil }
        return TopicID(rawValue: id)
    }

    /// The lowest segment number any reader may be copying from; `.max` when none is.
    var floor: UInt64 {
        var lowest = UInt64.max
        for index in 0..<count { lowest = min(lowest, unsafe floors[index].value.load(ordering: .acquiring)) }
        return lowest
    }
}

/// The lowest segment a reader is copying from; `.max` while it copies from none. Set under the log's lock, cleared
/// without it.
package final class ReaderFloor: Sendable {
    package let value = Atomic<UInt64>(.max)

    package init() {}
}
