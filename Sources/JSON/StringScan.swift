/// A string as it stands in a document.
struct ScannedString {
    /// Offset of the closing quote.
    var end: Int
    /// Whether anything in it has to be decoded.
    var hasEscapes: Bool
}

extension Span where Element == UInt8 {
    /// Checks the string whose first byte behind the opening quote is at `start`. (RFC 8259, section 7)
    @inline(__always)
    func scanString(from start: Int) throws(JSONError) -> ScannedString {
        let end = endOfPlainText(from: start)
        if end < count, self[end] == UInt8(ascii: "\"") { return ScannedString(end: end, hasEscapes: false) }
        return try scanRestOfString(from: end)
    }

    /// Goes on at `start`, where something other than plain text stands.
    @inline(never)
    private func scanRestOfString(from start: Int) throws(JSONError) -> ScannedString {
        let count = self.count
        var offset = start
        var hasEscapes = false
        while offset < count {
            let byte = self[offset]
            switch byte {
            case UInt8(ascii: "\""):
                return ScannedString(end: offset, hasEscapes: hasEscapes)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                offset = try scanEscape(at: offset)
            case 0x80...:
                let length = utf8SequenceLength(at: offset)
                guard length != 0 else { throw .expected(.validUTF8, at: offset) }
                offset &+= length
            case ..<0x20:
                throw .expected(.escapedControlCharacter, at: offset)
            default:
                offset = endOfPlainText(from: offset)
            }
        }
        throw .expected(.closingQuote, at: count)
    }

    /// Checks the escape whose backslash is at `start`, both halves of a surrogate pair included, and returns the
    /// offset behind it.
    private func scanEscape(at start: Int) throws(JSONError) -> Int {
        guard start &+ 1 < count else { throw .expected(.escapeCharacter, at: count) }
        switch self[start &+ 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return start &+ 2
        case UInt8(ascii: "u"):
            let unit = try scanHexDigits(at: start &+ 2)
            if unit & 0xF800 != 0xD800 { return start &+ 6 }
            guard unit < 0xDC00 else { throw .expected(.highSurrogateFirst, at: start) }
            return try scanLowSurrogate(at: start &+ 6)
        default:
            throw .expected(.escapeCharacter, at: start &+ 1)
        }
    }

    private func scanLowSurrogate(at start: Int) throws(JSONError) -> Int {
        guard start < count, self[start] == UInt8(ascii: "\\") else {
            throw .expected(.lowSurrogateEscape, at: start)
        }
        guard start &+ 1 < count, self[start &+ 1] == UInt8(ascii: "u") else {
            throw .expected(.lowSurrogateEscape, at: start &+ 1)
        }
        guard try scanHexDigits(at: start &+ 2) & 0xFC00 == 0xDC00 else {
            throw .expected(.lowSurrogateEscape, at: start)
        }
        return start &+ 6
    }

    /// The UTF-16 code unit that four hex digits at `start` write.
    func scanHexDigits(at start: Int) throws(JSONError) -> UInt32 {
        var unit: UInt32 = 0
        for offset in start..<start &+ 4 {
            guard offset < count else { throw .expected(.fourHexDigits, at: count) }
            let byte = self[offset]
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte &- UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte &- UInt8(ascii: "a") &+ 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte &- UInt8(ascii: "A") &+ 10
            default: throw .expected(.fourHexDigits, at: offset)
            }
            unit = unit << 4 | UInt32(digit)
        }
        return unit
    }
}
