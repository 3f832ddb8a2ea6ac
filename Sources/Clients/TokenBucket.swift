/// How much of a `RateLimit` was used and not given back yet.
///
/// A new bucket is full. Arithmetic is in whole units of which both a token and a nanosecond's gain are multiples, so
/// that nothing is lost or won by how often one looks. A plain value of 16 bytes; one thread at a time.
public struct TokenBucket: Equatable, Sendable, BitwiseCopyable {
    /// Units taken and not regained; more than the limit's capacity where one cost was larger than the burst.
    private var spent: UInt64 = 0
    /// Up to when the gain is counted, in nanoseconds of the clock that is handed in.
    private var updatedNanoseconds: UInt64 = 0

    public init() {}

    /// Takes `tokens`, or nothing and says how long they are not there.
    ///
    /// A cost above the burst would never find as many tokens: it is let through when the bucket is full, and what it
    /// took too much is regained before anything else is let through, so that the rate holds all the same.
    /// - Parameter now: nanoseconds of a clock that does not go back. One that does, or that a thread read late, gives
    ///   no gain and takes none.
    /// - Returns: 0 where the tokens were taken, or the nanoseconds after which they will be there.
    public mutating func take(_ tokens: UInt64, of limit: RateLimit, at now: UInt64) -> UInt64 {
        let wait = waitNanoseconds(for: tokens, of: limit, at: now)
        if wait == 0 { spend(tokens, of: limit) }
        return wait
    }

    /// As `take`, without taking.
    public mutating func waitNanoseconds(for tokens: UInt64, of limit: RateLimit, at now: UInt64) -> UInt64 {
        refill(limit, at: now)
        let needed = min(limit.units(tokens), limit.capacityUnits)
        let room = limit.capacityUnits - needed
        return spent <= room ? 0 : Self.divideUp(spent - room, limit.unitsPerNanosecond)
    }

    /// Takes `tokens` that `waitNanoseconds` found to be there at the same time.
    public mutating func spend(_ tokens: UInt64, of limit: RateLimit) {
        let sum = spent.addingReportingOverflow(limit.units(tokens))
        spent = sum.overflow ? .max : sum.partialValue
    }

    /// Whole tokens that are there.
    public mutating func remaining(of limit: RateLimit, at now: UInt64) -> UInt64 {
        refill(limit, at: now)
        return spent >= limit.capacityUnits ? 0 : (limit.capacityUnits - spent) / limit.unitsPerToken
    }

    /// Nanoseconds until the bucket is full; 0 where it is.
    public mutating func fullAfterNanoseconds(of limit: RateLimit, at now: UInt64) -> UInt64 {
        refill(limit, at: now)
        return Self.divideUp(spent, limit.unitsPerNanosecond)
    }

    private mutating func refill(_ limit: RateLimit, at now: UInt64) {
        guard now > updatedNanoseconds else { return }
        let elapsed = now - updatedNanoseconds
        updatedNanoseconds = now
        guard spent > 0 else { return }
        let gain = elapsed.multipliedReportingOverflow(by: limit.unitsPerNanosecond)
        spent = gain.overflow || gain.partialValue >= spent ? 0 : spent - gain.partialValue
    }

    private static func divideUp(_ units: UInt64, _ divisor: UInt64) -> UInt64 {
        units / divisor + (units % divisor == 0 ? 0 : 1)
    }
}
