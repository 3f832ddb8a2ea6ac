/// Several address ranges: the proxies that are trusted, say.
///
/// Made when the configuration is read; read by any thread. Looking an address up allocates nothing.
public struct AddressList: Equatable, Sendable {
    /// Most ranges of one list; bounds what a lookup costs. Clouds publish lists of some tens for their proxies.
    public static let maximumRanges = 128

    public let ranges: [AddressRange]

    /// A list without ranges, which contains nothing.
    public init() { ranges = [] }

    /// Reads addresses and ranges joined by commas, with spaces around them or not; an empty text is an empty list.
    /// - Throws: what is wrong with the first part that is.
    public init(parsing text: Span<UInt8>) throws(AddressError) {
        var ranges: [AddressRange] = []
        var isEmpty = true
        for index in text.indices where text[index] != UInt8(ascii: " ") { isEmpty = false }
        var start = 0
        while !isEmpty, start <= text.count {
            var end = start
            while end < text.count, text[end] != UInt8(ascii: ",") { end += 1 }
            guard ranges.count < Self.maximumRanges else { throw .tooManyRanges }
            ranges.append(try AddressRange(parsing: text.extracting(text.trimmed(start..<end))))
            start = end + 1
        }
        self.ranges = ranges
    }

    /// Whether one of the ranges contains `address`.
    public func contains(_ address: ClientAddress) -> Bool {
        // By index: an iterator takes memory where the compiler does not optimize.
        for index in ranges.indices where ranges[index].contains(address) { return true }
        return false
    }
}

extension Span<UInt8> {
    /// The range without the spaces and tabs around it (RFC 9110, section 5.6.3).
    func trimmed(_ range: Range<Int>) -> Range<Int> {
        var lower = range.lowerBound
        var upper = range.upperBound
        while lower < upper, isBlank(self[lower]) { lower += 1 }
        while lower < upper, isBlank(self[upper - 1]) { upper -= 1 }
        return lower..<upper
    }

    private func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
}
