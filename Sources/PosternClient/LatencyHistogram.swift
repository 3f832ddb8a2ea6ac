/// How long things took: counts in buckets that are 1/64 wide, so that a quantile is known to 1.6 %. A plain value.
public struct LatencyHistogram: Sendable {
    private static let subBits = 6
    private var counts = [UInt64](repeating: 0, count: (64 - subBits + 1) << subBits)
    public private(set) var count: UInt64 = 0
    public private(set) var maximum: UInt64 = 0

    public init() {}

    public mutating func record(_ nanoseconds: UInt64) {
        counts[Self.bucket(nanoseconds)] += 1
        count += 1
        maximum = max(maximum, nanoseconds)
    }

    public mutating func merge(_ other: LatencyHistogram) {
        for index in counts.indices { counts[index] += other.counts[index] }
        count += other.count
        maximum = max(maximum, other.maximum)
    }

    /// The time within which a share of all was done, in nanoseconds; 0 where there is none.
    /// - Parameter share: 0 to 1.
    public func quantile(_ share: Double) -> UInt64 {
        guard count > 0 else { return 0 }
        let wanted = max(1, UInt64((share * Double(count)).rounded(.up)))
        var seen: UInt64 = 0
        for (index, number) in counts.enumerated() {
            seen += number
            if seen >= wanted { return min(Self.upperBound(index), maximum) }
        }
        return maximum
    }

    /// Values below 64 have buckets of their own; each power of two above has 64.
    static func bucket(_ value: UInt64) -> Int {
        let high = 63 - value.leadingZeroBitCount
        guard value >= 1 << subBits else { return Int(value) }
        let shift = high - subBits
        return (shift + 1) << subBits + Int(value >> UInt64(shift)) - 1 << subBits
    }

    static func upperBound(_ bucket: Int) -> UInt64 {
        guard bucket >= 1 << subBits else { return UInt64(bucket) }
        let shift = bucket >> subBits - 1
        let mantissa = UInt64(bucket & (1 << subBits - 1)) + 1 << subBits
        return (mantissa + 1) << UInt64(shift) &- 1
    }
}
