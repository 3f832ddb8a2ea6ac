import Arenas

/// Why percent-encoded text cannot be decoded.
public enum PercentError: Error, Equatable, Sendable {
    /// A percent sign without two hex digits behind it, at this offset of the encoded text.
    case malformed(offset: Int)
    /// The arena is full.
    case arena(ArenaError)
}

/// Percent-encoding of paths and queries (RFC 3986, section 2.1).
public enum PercentDecoding {
    public enum Form: Sendable {
        case path
        /// A plus sign stands for a space.
        case query
    }

    /// The decoded bytes: `raw` itself where nothing is encoded, else a copy in `arena`.
    @_lifetime(copy raw, borrow arena)
    public static func decode(
        _ raw: Span<UInt8>, as form: Form, in arena: borrowing ScopedArena
    ) throws(PercentError) -> Span<UInt8> {
        guard isEncoded(raw, form) else { return raw }
        var decoded = ArenaBuffer(in: arena, capacity: raw.count)
        var offset = 0
        while offset < raw.count {
            let byte = raw[offset]
            if byte == UInt8(ascii: "%") {
                guard offset + 2 < raw.count, let high = Characters.hexValue(raw[offset + 1]),
                    let low = Characters.hexValue(raw[offset + 2])
                else { throw .malformed(offset: offset) }
                decoded.append(high << 4 | low)
                offset += 3
            } else {
                decoded.append(byte == UInt8(ascii: "+") && form == .query ? 0x20 : byte)
                offset += 1
            }
        }
        do throws(ArenaError) { return try decoded.finish() } catch { throw .arena(error) }
    }

    private static func isEncoded(_ raw: Span<UInt8>, _ form: Form) -> Bool {
        for index in raw.indices {
            if raw[index] == UInt8(ascii: "%") || (raw[index] == UInt8(ascii: "+") && form == .query) { return true }
        }
        return false
    }
}
