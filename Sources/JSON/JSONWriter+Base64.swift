import Arenas

extension JSONWriter {
    /// Appends `bytes` in base64 as a string in quotes: standard alphabet, padded. (RFC 4648, section 4)
    @inlinable
    @_lifetime(sink: copy sink)
    public static func appendBase64String<Sink: ByteSink & ~Copyable & ~Escapable>(
        _ bytes: Span<UInt8>, to sink: inout Sink
    ) {
        sink.append(UInt8(ascii: "\""))
        let count = bytes.count
        var offset = 0
        while offset < count {
            let taken = min(Base64Block.byteCount, count &- offset)
            let block = Base64Block(bytes.extracting(offset..<offset &+ taken))
            sink.append(contentsOf: block.characters.span.extracting(first: block.count))
            offset &+= taken
        }
        sink.append(UInt8(ascii: "\""))
    }
}

/// Up to 48 bytes as up to 64 characters of base64, so that a sink is called once a block.
@usableFromInline
struct Base64Block {
    @usableFromInline static let byteCount = 48

    @usableFromInline var characters = InlineArray<64, UInt8>(repeating: UInt8(ascii: "="))
    /// Characters that count, padding included.
    @usableFromInline var count = 0

    @usableFromInline
    init(_ bytes: Span<UInt8>) {
        let whole = bytes.count / 6 * 6
        var offset = 0
        while offset < whole {
            var group: UInt64 = 0
            for index in 0..<6 { group = group << 8 | UInt64(bytes[offset &+ index]) }
            store(Base64Block.encode(group), 8)
            count &+= 8
            offset &+= 6
        }
        let rest = bytes.count &- whole
        guard rest > 0 else { return }
        var group: UInt64 = 0
        for index in 0..<6 { group = group << 8 | (index < rest ? UInt64(bytes[whole &+ index]) : 0) }
        // Eight bits become one and a third characters, the last one begun; the rest up to four is padding.
        let written = (rest &* 8 &+ 5) / 6
        store(Base64Block.encode(group), written)
        count &+= (written &+ 3) & ~3
    }

    @inline(__always)
    private mutating func store(_ encoded: UInt64, _ written: Int) {
        for index in 0..<written {
            characters[count &+ index] = UInt8(truncatingIfNeeded: encoded >> UInt64(56 &- 8 &* index))
        }
    }

    /// Eight characters, the first in the highest byte, for 48 bits; all eight at once in the lanes of one word.
    static func encode(_ group: UInt64) -> UInt64 {
        var lanes = (group & 0xFFFF_FF00_0000) << 8 | group & 0xFF_FFFF
        lanes = (lanes & 0x00FF_F000_00FF_F000) << 4 | lanes & 0x0000_0FFF_0000_0FFF
        lanes = (lanes & 0x0FC0_0FC0_0FC0_0FC0) << 2 | lanes & 0x003F_003F_003F_003F
        // 0...25 are letters from A; later ranges lie a step further off. No lane leaves 0...255 on the way.
        return lanes &+ ones &* UInt64(UInt8(ascii: "A"))
            &+ lanesAbove(25, lanes) &* 6 &- lanesAbove(51, lanes) &* 75
            &- lanesAbove(61, lanes) &* 15 &+ lanesAbove(62, lanes) &* 3
    }

    private static let ones: UInt64 = 0x0101_0101_0101_0101

    /// One in each lane whose value, below 64, is above `bound`.
    private static func lanesAbove(_ bound: UInt64, _ lanes: UInt64) -> UInt64 {
        (lanes &+ ones &* (127 &- bound)) >> 7 & ones
    }
}
