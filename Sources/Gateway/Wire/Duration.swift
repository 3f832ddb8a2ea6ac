/// Reads lengths of time as people write them: `500ms`, `30s`, `10m`, `1h`, `7d`, or plain seconds.
enum Duration {
    /// Microseconds; nil where the text is none, or beyond a hundred years.
    static func microseconds(_ text: Span<UInt8>) -> Int64? {
        var value: Int64 = 0
        var index = 0
        while index < text.count, text[index] >= UInt8(ascii: "0"), text[index] <= UInt8(ascii: "9") {
            value = value * 10 + Int64(text[index] - UInt8(ascii: "0"))
            guard value <= 100_000_000_000_000 else { return nil }
            index += 1
        }
        guard index > 0, let unit = unit(text.extracting(index..<text.count)) else { return nil }
        let (product, overflow) = value.multipliedReportingOverflow(by: unit)
        guard !overflow, product <= longest else { return nil }
        return product
    }

    /// A hundred years: far beyond any sensible bound, and far from overflow in sums.
    private static let longest: Int64 = 100 * 365 * 86_400 * 1_000_000

    private static func unit(_ text: Span<UInt8>) -> Int64? {
        if text.count == 0 { return 1_000_000 }
        if text.count == 2, text[0] == UInt8(ascii: "m"), text[1] == UInt8(ascii: "s") { return 1000 }
        guard text.count == 1 else { return nil }
        switch text[0] {
        case UInt8(ascii: "s"): return 1_000_000
        case UInt8(ascii: "m"): return 60 * 1_000_000
        case UInt8(ascii: "h"): return 3600 * 1_000_000
        case UInt8(ascii: "d"): return 86_400 * 1_000_000
        default: return nil
        }
    }
}
