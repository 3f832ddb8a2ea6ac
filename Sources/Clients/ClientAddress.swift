/// The address at the other end of a connection: sixteen bytes, an IPv4 address as an IPv4-mapped IPv6 address
/// (RFC 4291, section 2.5.5.2), so that one client is one value however it was written.
///
/// A plain value: any thread, no memory.
public struct ClientAddress: Hashable, Sendable, BitwiseCopyable {
    /// The first eight bytes, the first the most significant.
    public let high: UInt64
    /// The last eight bytes.
    public let low: UInt64

    /// The IPv6 address of these sixteen bytes.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The IPv4 address whose first byte is the most significant of `ipv4`.
    public init(ipv4: UInt32) {
        high = 0
        low = 0xFFFF_0000_0000 | UInt64(ipv4)
    }

    /// Whether this is an IPv4 address, mapped or not.
    public var isIPv4: Bool { high == 0 && low >> 32 == 0xFFFF }

    /// What limits are counted by: an IPv4 address itself; of an IPv6 address the first 64 bits, since that much is
    /// what one host is commonly given (RFC 6177), and it may choose among all the rest.
    public var limitKey: ClientAddress { isIPv4 ? self : ClientAddress(high: high, low: 0) }

    /// The 16 bits of group `index`, 0 to 7.
    func group(_ index: Int) -> UInt16 {
        UInt16(truncatingIfNeeded: (index < 4 ? high : low) >> UInt64(48 - 16 * (index & 3)))
    }
}
