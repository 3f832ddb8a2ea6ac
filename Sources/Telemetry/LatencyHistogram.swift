import Synchronization

/// Counts of values by bucket, and their sum: one thread (the loop it belongs to) observes, any may read.
///
/// Unsafe: owns its cells, in one allocation, freed with the histogram. Relaxed atomics with a single writer, as in
/// `LoopCounter`. The count is not kept but summed up from the buckets, so that `_count` and the bucket `+Inf` never
/// differ; `_sum` may be ahead or behind by the observation under way.
@safe
public struct LatencyHistogram: ~Copyable, @unchecked Sendable {
    /// The buckets' bounds, in the unit that is observed.
    public let bounds: HistogramBounds

    @usableFromInline
    let table: BucketTable
    /// A cell for each bucket, then the sum.
    @usableFromInline
    let cells: UnsafeMutablePointer<Atomic<UInt64>>

    /// An empty histogram. Allocates all it will ever need.
    public init(bounds: HistogramBounds) {
        self.bounds = bounds
        table = BucketTable(bounds)
        unsafe cells = .allocate(capacity: table.bucketCount + 1)
        for index in 0...table.bucketCount { unsafe (cells + index).initialize(to: Atomic(0)) }
    }

    deinit {
        unsafe cells.deinitialize(count: table.bucketCount + 1)
        unsafe cells.deallocate()
    }

    /// Counts one value, in the unit of the bounds. Owner's thread only.
    @inlinable
    public func observe(value: UInt64) {
        unsafe cells[table.bucket(of: value)].addAsSingleWriter(1)
        unsafe cells[table.bucketCount].addAsSingleWriter(value)
    }

    /// Counts one duration; bounds are in nanoseconds. Owner's thread only.
    @inlinable
    public func observe(nanoseconds: UInt64) { observe(value: nanoseconds) }

    /// What was observed so far. Any thread.
    public func snapshot() -> HistogramSnapshot {
        HistogramSnapshot(
            bounds: bounds,
            bucketCounts: (0..<table.bucketCount).map { unsafe cells[$0].load(ordering: .relaxed) },
            sum: unsafe cells[table.bucketCount].load(ordering: .relaxed))
    }
}
