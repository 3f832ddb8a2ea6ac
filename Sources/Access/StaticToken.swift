import Arenas

/// The form of a static token: `pst_` and 43 characters of base64url, which are 256 random bits.
enum StaticToken {
    static let prefix: StaticString = "pst_"
    /// Length of a token, in bytes.
    static let byteCount = 47

    /// Whether `text` begins as static tokens do.
    static func isMeant(_ text: Span<UInt8>) -> Bool {
        guard text.count >= prefix.utf8CodeUnitCount else { return false }
        for index in 0..<prefix.utf8CodeUnitCount where text[index] != prefix[index] { return false }
        return true
    }

    /// Whether `text` has the form of a static token.
    static func isWellFormed(_ text: Span<UInt8>) -> Bool {
        guard text.count == byteCount, isMeant(text) else { return false }
        for index in prefix.utf8CodeUnitCount..<byteCount where Base64URL.value(of: text[index]) == nil { return false }
        return true
    }
}
