extension [UInt8] {
    /// Appends what stands between the quotes of a JSON string.
    ///
    /// Text on a terminal is escaped alike, so that what a stranger sent can neither begin a line of its own nor steer
    /// the terminal: control characters are escaped, DEL and C1 as well, and the line separators of Unicode. Strings
    /// longer than a line shows end in `…`.
    mutating func appendLogString(_ text: String, escaping isEscaped: (Unicode.Scalar) -> Bool) {
        let end = count + LogLine.maximumStringBytes
        for scalar in text.unicodeScalars {
            if count >= end { return append("…" as StaticString) }
            switch scalar {
            case "\n": append("\\n" as StaticString)
            case "\r": append("\\r" as StaticString)
            case "\t": append("\\t" as StaticString)
            case "\\": append("\\\\" as StaticString)
            case "\0"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}":
                append("\\u" as StaticString)
                for shift in stride(from: 12, through: 0, by: -4) {
                    appendHexDigit(scalar.value >> UInt32(shift) & 0xF)
                }
            default:
                if isEscaped(scalar) { append(UInt8(ascii: "\\")) }
                append(contentsOf: UTF8.encode(scalar)!)
            }
        }
    }

    private mutating func appendHexDigit(_ digit: UInt32) {
        append(UInt8(digit < 10 ? 0x30 + digit : 0x57 + digit))
    }
}
