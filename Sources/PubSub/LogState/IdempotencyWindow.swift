/// The publishes of the last two minutes that carried an idempotency key, oldest first, and an index over them.
///
/// Memory is bounded and taken at the start (the system backs it as it is touched). When more keys than fit
/// come inside the window, the oldest are forgotten early, and that is counted.
// unsafe: owns two flat tables for a log's whole life, so that looking up or adding a key allocates nothing.
@safe
package struct IdempotencyWindow: ~Copyable {
    package struct Entry: BitwiseCopyable {
        package var hash: IdempotencyHash
        package var sequence: UInt64
        package var timeMicroseconds: Int64

        package init(hash: IdempotencyHash, sequence: UInt64, timeMicroseconds: Int64) {
            self.hash = hash
            self.sequence = sequence
            self.timeMicroseconds = timeMicroseconds
        }
    }

    private let entries: UnsafeMutablePointer<Entry>
    /// Open addressing with linear probing; holds an entry's number + 1, or 0. Twice as many places as entries.
    private let places: UnsafeMutablePointer<UInt32>
    package let capacity: Int
    private let placeMask: Int
    private let windowMicroseconds: Int64
    private var oldest = 0
    private(set) var count = 0
    private(set) var evictions: UInt64 = 0

    /// - Parameter capacity: most keys remembered; rounded up to a power of two.
    init(capacity: Int, windowMicroseconds: Int64) {
        var rounded = 1
        while rounded < capacity { rounded *= 2 }
        self.capacity = rounded
        self.placeMask = rounded * 2 - 1
        self.windowMicroseconds = windowMicroseconds
        unsafe entries = .allocate(capacity: rounded)
        unsafe places = zeroedTable(count: rounded * 2)
    }

    deinit {
        unsafe entries.deallocate()
        unsafe releaseTable(places)
    }

    /// The earlier publish with this hash; nil where there is none inside the window.
    func find(_ hash: IdempotencyHash, nowMicroseconds: Int64) -> Entry? {
        var place = Int(truncatingIfNeeded: hash.low) & placeMask
        while unsafe places[place] != 0 {
            let entry = unsafe entries[Int(places[place]) - 1]
            if entry.hash == hash {
                return entry.timeMicroseconds + windowMicroseconds > nowMicroseconds ? entry : nil
            }
            place = (place + 1) & placeMask
        }
        return nil
    }

    /// Remembers a publish that `find` did not know.
    package mutating func insert(_ entry: Entry) {
        expire(nowMicroseconds: entry.timeMicroseconds)
        if count == capacity {
            removeOldest()
            evictions += 1
        }
        let slot = (oldest + count) & (capacity - 1)
        unsafe entries[slot] = entry
        count += 1
        var place = Int(truncatingIfNeeded: entry.hash.low) & placeMask
        while unsafe places[place] != 0 { place = (place + 1) & placeMask }
        unsafe places[place] = UInt32(slot + 1)
    }

    /// Forgets what left the window.
    mutating func expire(nowMicroseconds: Int64) {
        while count > 0, unsafe entries[oldest].timeMicroseconds + windowMicroseconds <= nowMicroseconds {
            removeOldest()
        }
    }

    /// Forgets publishes from a sequence number on, and from a schedule number on; they are the newest.
    mutating func removeNewest(from sequence: UInt64, scheduledFrom number: UInt64) {
        while count > 0 {
            let newest = (oldest + count - 1) & (capacity - 1)
            let entry = unsafe entries[newest].sequence
            let isScheduled = entry & LogState.scheduledMark != 0
            guard isScheduled ? entry & ~LogState.scheduledMark >= number : entry >= sequence else { return }
            removePlace(of: newest)
            count -= 1
        }
    }

    private mutating func removeOldest() {
        removePlace(of: oldest)
        oldest = (oldest + 1) & (capacity - 1)
        count -= 1
    }

    private mutating func removePlace(of slot: Int) {
        var hole = unsafe Int(truncatingIfNeeded: entries[slot].hash.low) & placeMask
        while unsafe places[hole] != UInt32(slot + 1) { hole = (hole + 1) & placeMask }
        // Backward shift: whatever probed past the hole moves into it, so that no tombstone is left.
        var next = (hole + 1) & placeMask
        while unsafe places[next] != 0 {
            let home = unsafe Int(truncatingIfNeeded: entries[Int(places[next]) - 1].hash.low) & placeMask
            if (next - home) & placeMask >= (next - hole) & placeMask {
                unsafe places[hole] = places[next]
                hole = next
            }
            next = (next + 1) & placeMask
        }
        unsafe places[hole] = 0
    }
}
