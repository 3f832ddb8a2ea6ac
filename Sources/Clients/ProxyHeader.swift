/// Reads the header that a load balancer sends before the client's first byte to say whom it speaks for: HAProxy's
/// PROXY protocol, versions 1 and 2.
///
/// A plain value for one connection; copies nothing, keeps nothing of the bytes. Whoever sends the header can claim any
/// address: take it from trusted peers only, and then demand it (section 2 of the protocol: a receiver must not guess).
public struct ProxyHeader: Sendable {
    /// Most bytes of a header: version 2's fixed part and what we accept behind it.
    public static let maximumByteCount = 16 + maximumPayloadByteCount
    /// Most bytes of addresses and extensions that are accepted in version 2; it could announce 65,535.
    public static let maximumPayloadByteCount = 4096
    /// Most bytes of a version 1 header with its line's end (section 2.1).
    public static let maximumLineByteCount = 107

    public enum Outcome: Equatable, Sendable {
        /// Call again with more behind the same bytes.
        case needsMore
        /// The header took `byteCount` bytes; the client's own begin behind them. No source where the balancer speaks
        /// for itself, for a health check, or knows no address: then the peer's address counts.
        case header(source: ClientAddress?, byteCount: Int)
    }

    /// How far version 1's line was searched for its end.
    private var searched = 0

    public init() {}

    /// Reads the header at the start of `bytes`, which are all that came on the connection so far.
    /// - Throws: what is wrong; the connection is then good for nothing.
    public mutating func parse(_ bytes: Span<UInt8>) throws(ProxyHeaderError) -> Outcome {
        guard bytes.count > 0 else { return .needsMore }
        if bytes[0] == ProxyHeader.signature[0] {
            let given = min(bytes.count, 12)
            for index in 0..<given where bytes[index] != ProxyHeader.signature[index] { throw .noHeader }
            return try binary(bytes)
        }
        let word: InlineArray<6, UInt8> = [0x50, 0x52, 0x4F, 0x58, 0x59, 0x20]
        for index in 0..<min(bytes.count, 6) where bytes[index] != word[index] { throw .noHeader }
        return try line(bytes)
    }

    /// `PROXY TCP4 source destination sourcePort destinationPort` and CRLF.
    private mutating func line(_ bytes: Span<UInt8>) throws(ProxyHeaderError) -> Outcome {
        let limit = min(bytes.count, Self.maximumLineByteCount)
        var end = max(searched, 6)
        while end < limit, bytes[end] != 0x0A { end += 1 }
        searched = min(end, limit)
        guard end < limit else {
            guard limit < Self.maximumLineByteCount else { throw .tooLong }
            return .needsMore
        }
        guard bytes[end - 1] == 0x0D else { throw .malformed }
        return .header(source: try ProxyLine.source(bytes.extracting(0..<end - 1)), byteCount: end + 1)
    }

    /// The twelve bytes, version and command, family and transport, a length, addresses, extensions.
    private func binary(_ bytes: Span<UInt8>) throws(ProxyHeaderError) -> Outcome {
        guard bytes.count > 12 else { return .needsMore }
        guard bytes[12] >> 4 == 2 else { throw .unsupportedVersion }
        let isLocal = bytes[12] & 15 == 0
        guard bytes[12] & 15 <= 1 else { throw .unsupportedCommand }
        guard bytes.count > 13 else { return .needsMore }
        let family = bytes[13] >> 4
        // A local connection's family is to be ignored (section 2.2).
        guard isLocal || (family <= 3 && bytes[13] & 15 <= 2) else { throw .unsupportedFamily }
        guard bytes.count >= 16 else { return .needsMore }
        let payload = Int(bytes[14]) << 8 | Int(bytes[15])
        guard payload <= Self.maximumPayloadByteCount else { throw .tooLong }
        let needed = isLocal || bytes[13] & 15 == 0 ? 0 : Self.addressByteCount(family)
        guard payload >= needed else { throw .malformed }
        guard bytes.count >= 16 + payload else { return .needsMore }
        let source: ClientAddress? =
            switch needed {
            case 12: ClientAddress(ipv4: UInt32(truncatingIfNeeded: Self.word(bytes, 16) >> 32))
            case 36: ClientAddress(high: Self.word(bytes, 16), low: Self.word(bytes, 24))
            default: nil
            }
        return .header(source: source, byteCount: 16 + payload)
    }

    /// What source and destination take, addresses and ports; paths of Unix sockets have 108 bytes each.
    private static func addressByteCount(_ family: UInt8) -> Int {
        switch family {
        case 1: 12
        case 2: 36
        case 3: 216
        default: 0
        }
    }

    /// Eight bytes, the most significant first.
    private static func word(_ bytes: Span<UInt8>, _ offset: Int) -> UInt64 {
        var word: UInt64 = 0
        for index in 0..<8 { word = word << 8 | UInt64(bytes[offset + index]) }
        return word
    }

    /// What version 2 begins with: nothing that another protocol would take for its own.
    static let signature: InlineArray<12, UInt8> = [
        0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A,
    ]
}
