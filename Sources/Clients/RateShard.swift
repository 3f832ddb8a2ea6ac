/// A part of the table: entries by open addressing, and one more that those share who found no place.
///
/// Owns its memory, all of it taken at the start. One thread at a time, which the table's lock sees to.
struct RateShard: ~Copyable, Sendable {
    /// How far from where its hash points an entry may stand; bounds what a look costs.
    static let probeCount = 16

    private var entries: [RateEntry]
    var limits: RateLimits
    private var statistics = RateTableStatistics()

    /// - Parameter capacity: entries, a power of two, at least `probeCount`; one more is shared.
    init(capacity: Int, limits: RateLimits) {
        entries = Array(repeating: RateEntry(), count: capacity + 1)
        self.limits = limits
    }

    private var sharedIndex: Int { entries.count - 1 }

    /// The index of the key's entry: where it stands, or a free place, or an idle entry's, or the shared one.
    ///
    /// A place once taken is never free again, so that a look may end at the first free one.
    private mutating func index(of key: RateKey, _ hash: UInt64, at now: UInt64) -> Int {
        let mask = entries.count - 2
        let start = Int(truncatingIfNeeded: hash) & mask
        for step in 0..<Self.probeCount {
            let index = (start + step) & mask
            guard entries[index].isTaken else {
                entries[index] = RateEntry(key)
                statistics.keys += 1
                return index
            }
            if entries[index].key == key { return index }
        }
        for step in 0..<Self.probeCount {
            let index = (start + step) & mask
            guard entries[index].isIdle(limits, at: now) else { continue }
            entries[index] = RateEntry(key)
            statistics.replacements += 1
            return index
        }
        statistics.overflows += 1
        return sharedIndex
    }

    mutating func check(_ key: RateKey, _ hash: UInt64, _ cost: RateCost, at now: UInt64) -> RateVerdict {
        let index = index(of: key, hash, at: now)
        return entries[index].check(cost, limits, at: now)
    }

    /// The index of the entry that was entered, nil where the limit is reached.
    mutating func enter(_ key: RateKey, _ hash: UInt64, _ occupancy: Occupancy, at now: UInt64) -> Int? {
        let index = index(of: key, hash, at: now)
        return entries[index].enter(occupancy, limit: limits.count(occupancy)) ? index : nil
    }

    mutating func leave(_ index: Int, _ occupancy: Occupancy) { entries[index].leave(occupancy) }

    var figures: RateTableStatistics { statistics }
}
