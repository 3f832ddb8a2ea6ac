extension RateLimit {
    /// Reads a rate: a number, for bytes perhaps a unit, a slash, `s`, `m`, `h` or `d`, and perhaps a colon and the
    /// burst: `100/s`, `6000/m`, `10MiB/s`, `100/s:500`.
    ///
    /// Without a burst a whole period's tokens may be taken at once; so `6000/m` allows more at once than `100/s`.
    /// - Throws: what is wrong with the text.
    public init(parsing text: Span<UInt8>, inBytes: Bool = false) throws(RateLimitError) {
        var position = 0
        guard let tokens = try Self.amount(text, &position, inBytes) else { throw .notARate }
        guard position + 1 < text.count, text[position] == UInt8(ascii: "/") else {
            throw position < text.count && text[position] != UInt8(ascii: "/") ? .unknownUnit : .notARate
        }
        let period: UInt64 =
            switch text[position + 1] {
            case UInt8(ascii: "s"): 1
            case UInt8(ascii: "m"): 60
            case UInt8(ascii: "h"): 3600
            case UInt8(ascii: "d"): 86_400
            default: throw .unknownPeriod
            }
        position += 2
        var burst = tokens
        if position < text.count {
            guard text[position] == UInt8(ascii: ":") else { throw .unknownPeriod }
            position += 1
            guard let amount = try Self.amount(text, &position, inBytes), position == text.count else {
                throw .notABurst
            }
            burst = amount
        }
        guard tokens > 0, burst > 0 else { throw .zero }
        guard let limit = RateLimit(tokens: tokens, periodSeconds: period, burst: burst) else { throw .tooLarge }
        self = limit
    }

    /// The number at `position`, times its unit; nil where there is none. Moves behind it.
    private static func amount(
        _ text: Span<UInt8>, _ position: inout Int, _ inBytes: Bool
    ) throws(RateLimitError) -> UInt64? {
        let start = position
        var amount: UInt64 = 0
        while position < text.count, let digit = ClientAddress.decimal(text[position]) {
            // More digits than any rate that can be counted has.
            guard position - start < 18 else { throw .tooLarge }
            amount = amount * 10 + UInt64(digit)
            position += 1
        }
        guard position > start else { return nil }
        let unit = inBytes ? unit(text, &position) : 1
        let product = amount.multipliedReportingOverflow(by: unit)
        guard !product.overflow else { throw .tooLarge }
        return product.partialValue
    }

    /// The unit at `position`, 1 where there is none.
    private static func unit(_ text: Span<UInt8>, _ position: inout Int) -> UInt64 {
        var end = position
        while end < text.count, text[end] != UInt8(ascii: "/"), text[end] != UInt8(ascii: ":") { end += 1 }
        let letters = text.extracting(position..<end)
        var word: UInt32 = 0
        guard (1...3).contains(letters.count) else { return 1 }
        for index in letters.indices { word = word << 8 | UInt32(letters[index]) }
        let unit: UInt64? =
            switch word {
            case 0x42: 1  // B
            case 0x6B42: 1000  // kB
            case 0x4D42: 1_000_000  // MB
            case 0x4742: 1_000_000_000  // GB
            case 0x4B6942: 1 << 10  // KiB
            case 0x4D6942: 1 << 20  // MiB
            case 0x476942: 1 << 30  // GiB
            default: nil
            }
        guard let unit else { return 1 }
        position = end
        return unit
    }
}
