import Arenas

extension Span where Element == UInt8 {
    /// The text of a scanned string that has escapes, decoded into `arena`. The range is what stands between the
    /// quotes; its escapes are known to be sound.
    @_lifetime(borrow arena)
    func decodeString(
        _ range: Range<Int>, in arena: borrowing ScopedArena
    ) throws(JSONError) -> Span<UInt8> {
        // An escape is never shorter than what it stands for.
        var text = ArenaBuffer(in: arena, capacity: range.count)
        var offset = range.lowerBound
        while offset < range.upperBound {
            let escape = firstBackslash(in: offset..<range.upperBound)
            text.append(contentsOf: extracting(offset..<escape))
            offset = escape
            if offset < range.upperBound { offset = try decodeEscape(at: offset, to: &text) }
        }
        do throws(ArenaError) {
            return try text.finish()
        } catch {
            throw .arena(error)
        }
    }

    private func firstBackslash(in range: Range<Int>) -> Int {
        var offset = range.lowerBound
        while offset < range.upperBound {
            // In a sound string the only byte a writer would escape that is no quote is a backslash.
            offset = endOfPlainText(from: offset)
            if offset >= range.upperBound || self[offset] == UInt8(ascii: "\\") { break }
            offset &+= 1
        }
        return Swift.min(offset, range.upperBound)
    }

    /// Decodes the sound escape at `start` and returns the offset behind it.
    private func decodeEscape(at start: Int, to text: inout ArenaBuffer) throws(JSONError) -> Int {
        let letter = self[start &+ 1]
        switch letter {
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            let unit = try scanHexDigits(at: start &+ 2)
            if unit & 0xF800 != 0xD800 {
                appendUTF8(unit, to: &text)
                return start &+ 6
            }
            let low = try scanHexDigits(at: start &+ 8)
            appendUTF8(0x1_0000 &+ (unit & 0x3FF) << 10 | low & 0x3FF, to: &text)
            return start &+ 12
        default: text.append(letter)
        }
        return start &+ 2
    }
}

/// The UTF-8 of a code point that is no surrogate.
private func appendUTF8(_ point: UInt32, to text: inout ArenaBuffer) {
    func continuation(_ shift: UInt32) -> UInt8 { UInt8(truncatingIfNeeded: 0x80 | (point >> shift & 0x3F)) }
    switch point {
    case ..<0x80:
        text.append(UInt8(truncatingIfNeeded: point))
    case ..<0x800:
        text.append(UInt8(truncatingIfNeeded: 0xC0 | point >> 6))
        text.append(continuation(0))
    case ..<0x1_0000:
        text.append(UInt8(truncatingIfNeeded: 0xE0 | point >> 12))
        text.append(continuation(6))
        text.append(continuation(0))
    default:
        text.append(UInt8(truncatingIfNeeded: 0xF0 | point >> 18))
        text.append(continuation(12))
        text.append(continuation(6))
        text.append(continuation(0))
    }
}
