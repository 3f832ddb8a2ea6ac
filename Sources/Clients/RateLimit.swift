/// So many tokens a period, and how many may be taken at once after a rest.
///
/// A plain value, made when the configuration is read.
public struct RateLimit: Equatable, Sendable, BitwiseCopyable {
    /// Tokens that come back in each period.
    public let tokens: UInt64
    /// The period, in seconds.
    public let periodSeconds: UInt64
    /// Tokens of a full bucket.
    public let burst: UInt64

    /// What a nanosecond gives back; a token is `unitsPerToken` of the same units, and both are whole.
    let unitsPerNanosecond: UInt64
    let unitsPerToken: UInt64
    let capacityUnits: UInt64

    /// Most units of a full bucket, so that a bucket and one more cost do not overflow.
    private static let maximumCapacityUnits: UInt64 = 1 << 62

    /// A limit of `tokens` every `periodSeconds` with bursts of `burst`, by default what a period gives; nil where one
    /// of them is 0 or they are too large to be counted exactly.
    public init?(tokens: UInt64, periodSeconds: UInt64 = 1, burst: UInt64? = nil) {
        let burst = burst ?? tokens
        let period = periodSeconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard tokens > 0, periodSeconds > 0, burst > 0, !period.overflow else { return nil }
        let divisor = Self.greatestCommonDivisor(tokens, period.partialValue)
        let capacity = burst.multipliedReportingOverflow(by: period.partialValue / divisor)
        guard !capacity.overflow, capacity.partialValue <= Self.maximumCapacityUnits else { return nil }
        self.tokens = tokens
        self.periodSeconds = periodSeconds
        self.burst = burst
        unitsPerNanosecond = tokens / divisor
        unitsPerToken = period.partialValue / divisor
        capacityUnits = capacity.partialValue
    }

    /// Seconds in which an empty bucket fills, rounded up: the window of `burst` for `RateLimit-Policy`.
    public var windowSeconds: UInt64 {
        let nanoseconds = capacityUnits / unitsPerNanosecond
        return max(1, nanoseconds / 1_000_000_000 + (nanoseconds % 1_000_000_000 == 0 ? 0 : 1))
    }

    /// `count` tokens in units, saturated.
    func units(_ count: UInt64) -> UInt64 {
        let product = count.multipliedReportingOverflow(by: unitsPerToken)
        return product.overflow ? .max : product.partialValue
    }

    private static func greatestCommonDivisor(_ one: UInt64, _ other: UInt64) -> UInt64 {
        var (large, small) = (one, other)
        while small > 0 { (large, small) = (small, large % small) }
        return large
    }
}
