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
    public static func matches(_ text: Span<UInt8>, _ name: StaticString) -> Bool {
        guard text.count == name.utf8CodeUnitCount else { return false }
        return name.withSpan { expected in
            for offset in text.indices where text[offset] != expected[offset] { return false }
            return true
        }
    }
}
