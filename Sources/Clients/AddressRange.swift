/// The addresses that share a prefix: `10.0.0.0/8`, `2001:db8::/32`, or one address (RFC 4632; RFC 4291, section 2.3).
///
/// Families are kept apart: `::/0` is every IPv6 address and no IPv4 address. A plain value.
public struct AddressRange: Hashable, Sendable, BitwiseCopyable {
    /// The first address of the range.
    public let base: ClientAddress
    /// How many leading bits of the sixteen bytes are shared, 0 to 128; for IPv4 96 more than is written.
    public let prefixLength: Int

    /// Reads an address, or an address, a slash and the prefix's length.
    /// - Throws: what is wrong with the text.
    public init(parsing text: Span<UInt8>) throws(AddressError) {
        var slash = 0
        while slash < text.count, text[slash] != UInt8(ascii: "/") { slash += 1 }
        guard let base = ClientAddress(parsing: text.extracting(0..<slash)) else { throw .notAnAddress }
        self.base = base
        guard slash < text.count else {
            prefixLength = 128
            return
        }
        guard let length = Self.length(text.extracting(slash + 1..<text.count)) else { throw .notAPrefix }
        // An IPv4 address written as IPv6 has its prefix counted in IPv6's bits.
        let isDotted = !Self.hasColon(text, slash)
        guard length <= (isDotted ? 32 : 128) else { throw .notAPrefix }
        prefixLength = isDotted ? length + 96 : length
        let mask = Self.mask(prefixLength)
        guard base.high & mask.high == base.high, base.low & mask.low == base.low else { throw .bitsBeyondPrefix }
    }

    /// Whether `address` is one of the range.
    public func contains(_ address: ClientAddress) -> Bool {
        let mask = Self.mask(prefixLength)
        return address.isIPv4 == base.isIPv4 && (address.high ^ base.high) & mask.high == 0
            && (address.low ^ base.low) & mask.low == 0
    }

    private static func hasColon(_ text: Span<UInt8>, _ end: Int) -> Bool {
        for index in 0..<end where text[index] == UInt8(ascii: ":") { return true }
        return false
    }

    /// One to three digits without leading zeros.
    private static func length(_ text: Span<UInt8>) -> Int? {
        guard (1...3).contains(text.count), text.count == 1 || text[0] != UInt8(ascii: "0") else { return nil }
        var length = 0
        for index in text.indices {
            guard let digit = ClientAddress.decimal(text[index]) else { return nil }
            length = length * 10 + digit
        }
        return length
    }

    private static func mask(_ length: Int) -> (high: UInt64, low: UInt64) {
        // A shift by 64 or more leaves nothing, which is what is wanted.
        (~(UInt64.max >> UInt64(min(length, 64))), ~(UInt64.max >> UInt64(max(length - 64, 0))))
    }
}
