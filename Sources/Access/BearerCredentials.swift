import Arenas

/// The value of an `Authorization` field. (RFC 6750, section 2.1; RFC 9110, section 11.6.2)
public enum BearerCredentials {
    /// Why there is no token in a value.
    public enum Failure: Error, Equatable, Sendable {
        /// Another scheme, `Basic` say: answered 401 with a challenge for `Bearer`.
        case otherScheme
        /// `Bearer` with nothing behind it, or with characters that no token has.
        case malformed
    }

    /// The token in `Bearer TOKEN`: the scheme in any case, one or more spaces, and only characters of a token68.
    /// A slice of `value`, which has no white space around it.
    @_lifetime(copy value)
    public static func token(in value: Span<UInt8>) throws(Failure) -> Span<UInt8> {
        let scheme: StaticString = "bearer"
        let length = scheme.utf8CodeUnitCount
        guard value.count >= length else { throw .otherScheme }
        for index in 0..<length where value[index] | 0x20 != scheme[index] { throw .otherScheme }
        guard value.count > length else { throw .malformed }
        var start = length
        while start < value.count, value[start] == UInt8(ascii: " ") { start += 1 }
        guard start > length else { throw isTokenCharacter(value[length]) ? .otherScheme : .malformed }
        let token = value.extracting(start..<value.count)
        guard isToken68(token) else { throw .malformed }
        return token
    }

    private static func isToken68(_ text: Span<UInt8>) -> Bool {
        var end = text.count
        while end > 0, text[end - 1] == UInt8(ascii: "=") { end -= 1 }
        guard end > 0 else { return false }
        for index in 0..<end where !isToken68Character(text[index]) { return false }
        return true
    }

    private static func isToken68Character(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "."), UInt8(ascii: "~"), UInt8(ascii: "+"), UInt8(ascii: "/"): true
        default: Base64URL.value(of: byte) != nil
        }
    }

    /// Whether a scheme's name goes on with `byte`: `Bearerish` is another scheme.
    private static func isTokenCharacter(_ byte: UInt8) -> Bool { Base64URL.value(of: byte) != nil }
}
