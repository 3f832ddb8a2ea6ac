/// A media type (RFC 9110, section 8.3.1): what it means to this server.
public struct MediaType: Equatable, Sendable {
    public enum Kind: Sendable {
        /// `application/json`, and any type whose suffix is `+json`.
        case json
        /// `application/x-ndjson`, `application/ndjson`, `application/jsonl`.
        case ndjson
        /// `application/x-www-form-urlencoded`: what curl says when it is told nothing.
        case formURLEncoded
        case other
    }

    public let kind: Kind

    /// Reads a `Content-Type` value; nil where it is malformed.
    public init?(parsing text: Span<UInt8>) {
        var slash = 0
        while slash < text.count, Characters.isToken(text[slash]) { slash += 1 }
        guard slash > 0, slash < text.count, text[slash] == UInt8(ascii: "/") else { return nil }
        var end = slash + 1
        while end < text.count, Characters.isToken(text[end]) { end += 1 }
        guard end > slash + 1, Self.areParameters(text, from: end) else { return nil }
        kind = Self.kind(text, 0..<slash, slash + 1..<end)
    }

    private static func kind(_ text: Span<UInt8>, _ type: Range<Int>, _ subtype: Range<Int>) -> Kind {
        if text.matches("application", in: type) {
            if text.matches("json", in: subtype) { return .json }
            if text.matches("x-www-form-urlencoded", in: subtype) { return .formURLEncoded }
            if text.matches("x-ndjson", in: subtype) || text.matches("ndjson", in: subtype)
                || text.matches("jsonl", in: subtype)
            {
                return .ndjson
            }
        }
        if subtype.count > 5, text.matches("+json", in: subtype.upperBound - 5..<subtype.upperBound) { return .json }
        return .other
    }

    /// `; name=value` as often as it pleases; a value is a token or a quoted string.
    static func areParameters(_ text: Span<UInt8>, from start: Int) -> Bool {
        var offset = start
        while true {
            while offset < text.count, Characters.isBlank(text[offset]) { offset += 1 }
            guard offset < text.count else { return true }
            guard text[offset] == UInt8(ascii: ";") else { return false }
            offset += 1
            while offset < text.count, Characters.isBlank(text[offset]) { offset += 1 }
            guard offset < text.count, text[offset] != UInt8(ascii: ";") else { continue }
            let name = offset
            while offset < text.count, Characters.isToken(text[offset]) { offset += 1 }
            guard offset > name, offset < text.count, text[offset] == UInt8(ascii: "=") else { return false }
            guard let end = endOfValue(text, from: offset + 1) else { return false }
            offset = end
        }
    }

    private static func endOfValue(_ text: Span<UInt8>, from start: Int) -> Int? {
        var offset = start
        if offset < text.count, text[offset] == UInt8(ascii: "\"") {
            offset += 1
            while offset < text.count, text[offset] != UInt8(ascii: "\"") {
                offset += text[offset] == UInt8(ascii: "\\") ? 2 : 1
            }
            return offset < text.count ? offset + 1 : nil
        }
        while offset < text.count, Characters.isToken(text[offset]) { offset += 1 }
        return offset > start ? offset : nil
    }
}
