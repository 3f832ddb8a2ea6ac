/// The bytes of a literal as a span.
///
/// Unsafe: a `StaticString` gives its bytes, which live as long as the process, only as a pointer.
extension StaticString {
    /// Calls `body` with the literal's UTF-8.
    @usableFromInline
    func withSpan<Result>(_ body: (Span<UInt8>) -> Result) -> Result {
        withUTF8Buffer { buffer in unsafe body(buffer.span) }
    }

    /// Whether a JSON string of the literal has escapes.
    @usableFromInline
    var needsEscapes: Bool { withSpan { text in text.firstToEscape(from: 0) < text.count } }
}

extension JSONReader {
    /// Whether a decoded key, or another string, is `name`, byte for byte.
    @inlinable
    public static func matches(_ text: Span<UInt8>, _ name: StaticString) -> Bool {
        let count = name.utf8CodeUnitCount
        guard text.count == count else { return false }
        // Inlined, so that the compiler sees the literal and compares it a word at a time.
        var difference: UInt8 = 0
        for offset in 0..<count { unsafe difference |= text[unchecked: offset] ^ name.utf8Start[offset] }
        return difference == 0
    }
}
