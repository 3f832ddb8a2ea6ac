import Arenas

/// Reads the line of the PROXY protocol's version 1, without its end (section 2.1).
enum ProxyLine {
    /// The address of `PROXY TCP4 …` or `PROXY TCP6 …`; nil for `PROXY UNKNOWN`, whatever follows.
    static func source(_ line: Span<UInt8>) throws(ProxyHeaderError) -> ClientAddress? {
        var rest = 6
        let family = word(line, from: &rest)
        if equals(line, family, "UNKNOWN") { return nil }
        let isIPv4 = equals(line, family, "TCP4")
        guard isIPv4 || equals(line, family, "TCP6") else { throw .unsupportedFamily }
        let source = try address(line, word(line, from: &rest), isIPv4)
        _ = try address(line, word(line, from: &rest), isIPv4)
        try checkPort(line, word(line, from: &rest))
        try checkPort(line, word(line, from: &rest))
        guard rest == line.count + 1 else { throw .malformed }
        return source
    }

    /// The bytes up to the next single space, or to the end; moves behind it.
    private static func word(_ line: Span<UInt8>, from start: inout Int) -> Range<Int> {
        let first = min(start, line.count)
        var end = first
        while end < line.count, line[end] != UInt8(ascii: " ") { end += 1 }
        start = end + 1
        return first..<end
    }

    private static func address(
        _ line: Span<UInt8>, _ word: Range<Int>, _ isIPv4: Bool
    ) throws(ProxyHeaderError) -> ClientAddress {
        var isDotted = true
        for index in word where line[index] == UInt8(ascii: ":") { isDotted = false }
        guard isDotted == isIPv4, let address = ClientAddress(parsing: line.extracting(word)) else { throw .malformed }
        return address
    }

    /// A number up to 65,535 without leading zeros.
    private static func checkPort(_ line: Span<UInt8>, _ word: Range<Int>) throws(ProxyHeaderError) {
        guard (1...5).contains(word.count), word.count == 1 || line[word.lowerBound] != UInt8(ascii: "0") else {
            throw .malformed
        }
        var port = 0
        for index in word {
            guard let digit = ClientAddress.decimal(line[index]) else { throw .malformed }
            port = port * 10 + digit
        }
        guard port <= 65_535 else { throw .malformed }
    }

    private static func equals(_ line: Span<UInt8>, _ range: Range<Int>, _ word: StaticString) -> Bool {
        guard range.count == word.utf8CodeUnitCount else { return false }
        for index in 0..<range.count where line[range.lowerBound + index] != word[index] { return false }
        return true
    }
}
