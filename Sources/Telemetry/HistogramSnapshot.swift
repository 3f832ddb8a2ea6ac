/// What a histogram held at one moment; those of several loops add up.
public struct HistogramSnapshot: Sendable, Equatable {
    /// The buckets' bounds, in the unit that was observed.
    public let bounds: HistogramBounds
    /// Observations of each bucket alone (not cumulative), the one above the last bound at the end.
    public private(set) var bucketCounts: [UInt64]
    /// All observed values added up, in the same unit.
    public private(set) var sum: UInt64
    /// How many values were observed.
    public var count: UInt64 { bucketCounts.reduce(0, &+) }

    /// - Parameter bucketCounts: one more than there are bounds.
    public init(bounds: HistogramBounds, bucketCounts: [UInt64], sum: UInt64) {
        precondition(bucketCounts.count == bounds.values.count + 1, "a count for each bound and one for +Inf")
        self.bounds = bounds
        self.bucketCounts = bucketCounts
        self.sum = sum
    }

    /// Nothing observed yet.
    public init(bounds: HistogramBounds) {
        self.init(bounds: bounds, bucketCounts: Array(repeating: 0, count: bounds.values.count + 1), sum: 0)
    }

    /// Adds what another histogram with the same bounds held.
    public mutating func merge(_ other: HistogramSnapshot) {
        precondition(bounds == other.bounds, "histograms of one family have the same bounds")
        for index in bucketCounts.indices { bucketCounts[index] &+= other.bucketCounts[index] }
        sum &+= other.sum
    }
}
