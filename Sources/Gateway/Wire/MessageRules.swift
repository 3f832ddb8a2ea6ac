import Arenas
import HTTP
import JSON

/// The rules for what publishers say about a message, the same for headers and for envelopes.
enum MessageRules {
    /// An idempotency key: 1 to 255 printable ASCII characters.
    static func isIdempotencyKey(_ text: Span<UInt8>) -> Bool {
        guard text.count >= 1, text.count <= Limits.keyBytes else { return false }
        for index in text.indices where text[index] < 0x20 || text[index] > 0x7E { return false }
        return true
    }

    /// A message key: 1 to 255 bytes of UTF-8 without control characters.
    static func isKey(_ text: Span<UInt8>) -> Bool {
        text.count >= 1 && text.count <= Limits.keyBytes && isCleanText(text)
    }

    /// An attribute's name: 1 to 64 of `A-Za-z0-9_-`.
    static func isAttributeName(_ text: Span<UInt8>) -> Bool { attributeNameError(text) == nil }

    /// Where a text fails to be an attribute's name; nil where it is one.
    static func attributeNameError(_ text: Span<UInt8>) -> Int? {
        guard text.count > 0 else { return 0 }
        for index in text.indices where !isNameByte(text[index]) || index == Limits.attributeNameBytes { return index }
        return nil
    }

    static func isNameByte(_ byte: UInt8) -> Bool {
        let lower = asciiLowercase(byte)
        let isLetter = lower >= UInt8(ascii: "a") && lower <= UInt8(ascii: "z")
        let isDigit = byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
        return isLetter || isDigit || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }

    /// An attribute's value: at most 1,024 bytes of UTF-8.
    static func isAttributeValue(_ text: Span<UInt8>) -> Bool {
        text.count <= Limits.attributeValueBytes && UTF8Validation.isValid(text)
    }

    /// A media type as `Content-Type` has it, 255 bytes at most.
    static func isMediaType(_ text: Span<UInt8>) -> Bool {
        text.count <= Limits.contentTypeBytes && MediaType(parsing: text) != nil
    }

    /// A hundred years.
    static let longestTimeToLiveSeconds: Int64 = 100 * 365 * 86_400

    private static func isCleanText(_ text: Span<UInt8>) -> Bool {
        for index in text.indices where text[index] < 0x20 || text[index] == 0x7F { return false }
        return UTF8Validation.isValid(text)
    }

    /// Standard base64 with padding (RFC 4648, section 4).
    static func isBase64(_ text: Span<UInt8>) -> Bool {
        guard text.count % 4 == 0 else { return false }
        var digits = text.count
        while digits > 0, text.count - digits < 2, text[digits - 1] == UInt8(ascii: "=") { digits -= 1 }
        for index in 0..<digits {
            let byte = text[index]
            let lower = asciiLowercase(byte)
            let isLetter = lower >= UInt8(ascii: "a") && lower <= UInt8(ascii: "z")
            let isDigit = byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
            guard isLetter || isDigit || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "/") else { return false }
        }
        return true
    }
}
