/// Finds the bucket of a value without a loop: two small tables in memory of their own.
///
/// Unsafe: owns the tables. A Swift array in their place would cost a bounds check and a retain in the hot path.
@safe
@usableFromInline
struct BucketTable: ~Copyable, @unchecked Sendable {
    /// Buckets, the one for `+Inf` included.
    @usableFromInline
    let bucketCount: Int
    /// For each bit width, 0 to 64, the first bucket a value that wide can fall into.
    @usableFromInline
    let firstBuckets: UnsafeMutablePointer<UInt8>
    /// The inclusive bound of each bucket; of the last, the largest number there is.
    @usableFromInline
    let limits: UnsafeMutablePointer<UInt64>

    init(_ bounds: HistogramBounds) {
        bucketCount = bounds.values.count + 1
        unsafe limits = .allocate(capacity: bucketCount)
        for (index, bound) in bounds.values.enumerated() { unsafe (limits + index).initialize(to: bound) }
        unsafe (limits + bounds.values.count).initialize(to: .max)
        unsafe firstBuckets = .allocate(capacity: 65)
        for width in 0...64 {
            let smallest: UInt64 = width == 0 ? 0 : 1 << UInt64(width - 1)
            let first = bounds.values.firstIndex { $0 >= smallest } ?? bounds.values.count
            unsafe (firstBuckets + width).initialize(to: UInt8(first))
        }
    }

    deinit {
        unsafe limits.deallocate()
        unsafe firstBuckets.deallocate()
    }

    /// The first bucket whose bound is not below `value`.
    @inlinable
    func bucket(of value: UInt64) -> Int {
        let first = unsafe Int(firstBuckets[UInt64.bitWidth &- value.leadingZeroBitCount])
        return unsafe first &+ (value > limits[first] ? 1 : 0)
    }
}
