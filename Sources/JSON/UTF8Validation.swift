/// Whether bytes are well-formed UTF-8 (RFC 3629; Unicode 16, table 3-7).
///
/// Any thread; holds no memory.
public enum UTF8Validation {
    /// Whether all of `bytes` is well-formed UTF-8.
    public static func isValid(_ bytes: Span<UInt8>) -> Bool { firstInvalidOffset(bytes) == nil }

    /// The offset of the first byte of the first ill-formed sequence; nothing where `bytes` is well-formed.
    public static func firstInvalidOffset(_ bytes: Span<UInt8>) -> Int? {
        let count = bytes.count
        var offset = bytes.firstNonASCII(from: 0)
        while offset < count {
            let length = bytes.utf8SequenceLength(at: offset)
            if length == 0 { return offset }
            offset &+= length
            // Scripts beyond Latin come in runs: the wide search only where ASCII begins again.
            if offset < count, bytes[offset] < 0x80 { offset = bytes.firstNonASCII(from: offset) }
        }
        return nil
    }
}

extension Span where Element == UInt8 {
    /// How many bytes (2 to 4) the UTF-8 sequence at `offset` has, which begins beyond ASCII; zero where it is cut
    /// off, overlong, an encoded surrogate, beyond U+10FFFF or no sequence at all.
    @inline(__always)
    func utf8SequenceLength(at offset: Int) -> Int {
        // The first byte in the lowest bits. Beyond the end zeros, which continue no sequence.
        let sequence = loadSequence(at: offset)
        if sequence & 0x00_C0_C0_F0 == 0x00_80_80_E0 {
            // The bits that are all zero in an overlong form, and 0xD followed by a set bit in a surrogate.
            let telling = sequence & 0x20_0F
            return telling != 0 && telling != 0x20_0D ? 3 : 0
        }
        if sequence & 0xC0_E0 == 0x80_C0 {
            return sequence & 0x1E != 0 ? 2 : 0
        }
        if sequence & 0xC0_C0_C0_F8 == 0x80_80_80_F0 {
            let telling = sequence & 0x30_07
            return telling != 0 && (telling & 0x07 < 4 || telling == 0x04) ? 4 : 0
        }
        return 0
    }
}
