import Arenas

/// What every client used of its limits: as many keys as there is room for, in memory that is taken once.
///
/// Any thread. The table is in sixteen shards, each under a lock of its own, held for some tens of nanoseconds; nothing
/// is allocated behind the start. Keys are found by a hash under a random key, so that nobody can choose addresses that
/// crowd one place.
///
/// **When it is full.** An entry that is idle, all its buckets full and nothing counted, says no more than a new one, and
/// a new key takes its place. Where none of the sixteen entries a key may use is idle, the key is counted on its shard's
/// shared entry, with all others that found no place: together they may do what one client may. So a stranger with many
/// addresses takes no one's state away and gets no memory; what it can do is to make newcomers share, as long as it
/// keeps tens of thousands of addresses busy.
public final class RateTable: Sendable {
    /// Bytes of memory a key takes, whether it is there or not.
    public static let bytesPerKey = 96
    /// Keys there is room for unless said otherwise: 6 MiB.
    public static let defaultCapacity = 65_536

    private static let shardBits = 4
    private static let shardCount = 1 << shardBits

    private let shards: [RateTableShard]
    private let hash: KeyedHash
    /// Keys there is room for.
    public let capacity: Int

    /// A table without keys.
    /// - Parameter capacity: keys there must be room for, at most 2^28; rounded up to a power of two, at least 256.
    public init(limits: RateLimits, capacity: Int = defaultCapacity, hash: KeyedHash = .random()) {
        let wanted = min(max(capacity, Self.shardCount * RateShard.probeCount), 1 << 28)
        let rounded = 1 << (Int.bitWidth - (wanted - 1).leadingZeroBitCount)
        self.capacity = rounded
        self.hash = hash
        shards = (0..<Self.shardCount).map { _ in
            RateTableShard(capacity: rounded / Self.shardCount, limits: limits)
        }
    }

    /// Lets each client do as much from now on. What it did counts as before.
    public func setLimits(_ limits: RateLimits) {
        for shard in shards { shard.state.withLock { $0.limits = limits } }
    }

    /// Takes what a request costs from its client's limits, all of it or nothing.
    /// - Parameter now: nanoseconds of a clock that does not go back, the same for all threads.
    public func check(_ key: RateKey, cost: RateCost, at now: UInt64) -> RateVerdict {
        let hash = hash.hash(key.high, key.low)
        return shards[Self.shard(hash)].state.withLock { $0.check(key, hash, cost, at: now) }
    }

    /// Counts one more connection, poll or stream of the client's.
    /// - Returns: what `leave` is called with, once, when it is over; nil where the client has as many as it may.
    public func enter(_ key: RateKey, _ occupancy: Occupancy, at now: UInt64) -> RateTicket? {
        let hash = hash.hash(key.high, key.low)
        let shard = Self.shard(hash)
        guard let index = shards[shard].state.withLock({ $0.enter(key, hash, occupancy, at: now) }) else { return nil }
        return RateTicket(index: UInt32(index), shard: UInt8(shard), occupancy: occupancy)
    }

    /// Gives back what `enter` gave.
    public func leave(_ ticket: RateTicket) {
        shards[Int(ticket.shard)].state.withLock { $0.leave(Int(ticket.index), ticket.occupancy) }
    }

    /// The sum over all shards; takes each lock once.
    public func statistics() -> RateTableStatistics {
        var sum = RateTableStatistics()
        for shard in shards { sum.add(shard.state.withLock { $0.figures }) }
        return sum
    }

    /// The high bits, since a shard finds its entries by the low ones.
    private static func shard(_ hash: UInt64) -> Int { Int(hash >> UInt64(64 - shardBits)) }
}

/// One shard and its lock.
private final class RateTableShard: Sendable {
    let state: Locked<RateShard>

    init(capacity: Int, limits: RateLimits) { state = Locked(RateShard(capacity: capacity, limits: limits)) }
}
