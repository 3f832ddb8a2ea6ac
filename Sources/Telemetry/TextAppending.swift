/// What the writers of metrics and log lines append.
///
/// Unsafe: reads the bytes of literals where they stand in the program, instead of making a `String` of each.
extension [UInt8] {
    /// Appends the UTF-8 of a literal.
    mutating func append(_ literal: StaticString) {
        literal.withUTF8Buffer { unsafe append(contentsOf: $0) }
    }

    /// Appends `value` in decimal, with zeros in front where it has fewer than `digits`.
    mutating func appendDecimal(_ value: UInt64, digits: Int = 1) {
        var text = InlineArray<20, UInt8>(repeating: UInt8(ascii: "0"))
        var rest = value
        var start = 20
        while rest > 0 {
            start -= 1
            text[start] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
        start = Swift.min(start, 20 - digits)
        for index in start..<20 { append(text[index]) }
    }
}
