/// How many bytes recent requests took: a small histogram whose memory fades, so that what an arena
/// retains follows the work of the last seconds and not the largest request ever seen.
struct RecentUse: ~Copyable {
    // Four buckets an octave from 1 KiB on: a bucket's bound is at most a quarter above what fell into it.
    private static let bucketCount = 96
    private static let firstOctave = 10

    private var counts = InlineArray<96, UInt32>(repeating: 0)
    private var total: UInt32 = 0

    /// Counts a request that took `usedBytes`.
    mutating func record(_ usedBytes: Int) {
        counts[RecentUse.bucket(of: usedBytes)] &+= 1
        total &+= 1
        // Bounds the counts where nobody calls `fade()`, and lets a change of load show within a second.
        if total >= 1 << 16 { fade() }
    }

    /// Halves the weight of everything recorded so far; a single request is forgotten at once.
    mutating func fade() {
        total = 0
        for bucket in 0..<RecentUse.bucketCount {
            counts[bucket] >>= 1
            total += counts[bucket]
        }
    }

    /// A bound in bytes that all but one in `oneIn` recent requests stayed under; 0 where there were none.
    func bound(exceededByOneIn oneIn: UInt32) -> Int {
        let allowed = total / oneIn
        var above: UInt32 = 0
        var bucket = RecentUse.bucketCount - 1
        while bucket >= 0 {
            above += counts[bucket]
            if above > allowed { return RecentUse.upperBound(of: bucket) }
            bucket -= 1
        }
        return 0
    }

    @inline(__always)
    private static func bucket(of usedBytes: Int) -> Int {
        let size = max(usedBytes, 1 << firstOctave)
        let octave = Int.bitWidth &- 1 &- size.leadingZeroBitCount
        let quarter = (size &>> (octave &- 2)) & 3
        return min((octave &- firstOctave) &* 4 &+ quarter, bucketCount - 1)
    }

    private static func upperBound(of bucket: Int) -> Int {
        let octave = bucket / 4 + firstOctave
        return (1 << octave) + (bucket % 4 + 1) << (octave - 2)
    }
}
