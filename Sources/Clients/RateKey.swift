/// Whose limits: an address' or a principal's. No key of one is a key of the other.
public struct RateKey: Hashable, Sendable, BitwiseCopyable {
    let high: UInt64
    let low: UInt64

    /// Whoever speaks from an address: all of its /64 for IPv6.
    public init(_ address: ClientAddress) {
        let key = address.limitKey
        high = key.high
        low = key.low
    }

    /// A principal by the number that the gateway gave it.
    public init(principal: UInt64) {
        high = principal
        // No limit key of an address ends so: of an IPv6 address the end is 0, of an IPv4 address it has 0xFFFF above.
        low = 1
    }
}
