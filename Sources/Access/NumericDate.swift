/// Times in tokens: seconds since 1970-01-01T00:00:00Z. (RFC 7519, section 2)
enum NumericDate {
    /// The last second of the year 9999; what lies behind it is a mistake, milliseconds mostly.
    static let latest: Int64 = 253_402_300_799

    /// Whole seconds of a JSON number without sign and exponent, a fraction being left out; nothing for other numbers.
    static func parse(_ text: Span<UInt8>) -> Int64? {
        var value: Int64 = 0
        var index = 0
        while index < text.count, let digit = digit(text[index]) {
            value = value * 10 + digit
            guard value <= latest else { return nil }
            index += 1
        }
        guard index > 0 else { return nil }
        if index < text.count, text[index] == UInt8(ascii: ".") {
            index += 1
            while index < text.count, digit(text[index]) != nil { index += 1 }
        }
        return index == text.count ? value : nil
    }

    private static func digit(_ byte: UInt8) -> Int64? {
        byte &- UInt8(ascii: "0") < 10 ? Int64(byte &- UInt8(ascii: "0")) : nil
    }
}
