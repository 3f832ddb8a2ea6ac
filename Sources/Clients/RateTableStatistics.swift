/// What became of keys, since the start.
public struct RateTableStatistics: Equatable, Sendable, BitwiseCopyable {
    /// Places that are taken.
    public var keys: UInt64 = 0
    /// Idle entries that made place for another key.
    public var replacements: UInt64 = 0
    /// Times a key found no place and was counted on a shared entry.
    public var overflows: UInt64 = 0

    mutating func add(_ other: RateTableStatistics) {
        keys += other.keys
        replacements += other.replacements
        overflows += other.overflows
    }
}
