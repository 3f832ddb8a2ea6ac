/// Names from strangers as they may stand in a log: short, printable, on one line.
enum LogName {
    /// Longest text taken, in bytes; the rest is left out.
    static let maximumBytes = 64

    /// Printable ASCII as it is; quotes, backslashes and all other bytes as `\x` and two hex digits.
    static func escaped(_ text: Span<UInt8>) -> String {
        var result = ""
        for index in 0..<min(text.count, maximumBytes) {
            let byte = text[index]
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), 0..<0x20, 0x7F...: result += "\\x" + hex(byte)
            default: result.unicodeScalars.append(Unicode.Scalar(byte))
            }
        }
        return text.count > maximumBytes ? result + "..." : result
    }

    private static func hex(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
}
