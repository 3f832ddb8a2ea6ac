import Arenas

/// Where a publish stands in a trace: the `traceparent` of W3C Trace Context, level 1, section 3.2. Plain bytes.
struct TraceContext {
    static let byteCount = 55
    /// The header field's name, which is the attribute's too.
    static let name = Array("traceparent".utf8)

    /// As it came; hex digits and hyphens, so that it may stand in JSON as it is.
    let text: InlineArray<55, UInt8>

    /// - Returns: nil where it is none, as the standard has it ignored then.
    init?(parsing value: Span<UInt8>) {
        guard value.count >= Self.byteCount else { return nil }
        var text = InlineArray<55, UInt8>(repeating: 0)
        for index in 0..<Self.byteCount {
            let byte = value[index]
            let isHyphen = index == 2 || index == 35 || index == 52
            guard isHyphen ? byte == UInt8(ascii: "-") : Self.isDigit(byte) else { return nil }
            text[index] = byte
        }
        // `ff` is no version; what a later one adds stands behind another hyphen (section 3.2.2).
        guard !(text[0] == UInt8(ascii: "f") && text[1] == UInt8(ascii: "f")) else { return nil }
        let isFirst = text[0] == UInt8(ascii: "0") && text[1] == UInt8(ascii: "0")
        guard value.count == Self.byteCount || !isFirst && value[Self.byteCount] == UInt8(ascii: "-") else {
            return nil
        }
        // Neither id is all zeros.
        guard Self.isAnySet(text, 3..<35), Self.isAnySet(text, 36..<52) else { return nil }
        self.text = text
    }

    /// Lower case alone.
    private static func isDigit(_ byte: UInt8) -> Bool {
        (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"))
            || (byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "f"))
    }

    private static func isAnySet(_ text: InlineArray<55, UInt8>, _ range: Range<Int>) -> Bool {
        for index in range where text[index] != UInt8(ascii: "0") { return true }
        return false
    }
}
