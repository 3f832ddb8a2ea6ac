import Arenas

/// The value of an `Authorization` field. (RFC 6750, section 2.1; RFC 9110, section 11.6.2)
public enum BearerCredentials {
    /// Why there is no token in a value.
    public enum Failure: Error, Equatable, Sendable {
        /// Another scheme, `Basic` say: answered 401 with a challenge for `Bearer`.
        case otherScheme
        /// `Bearer` with nothing behind it.
        case malformed
    }

    /// The token in `Bearer TOKEN`: the scheme in any case, one or more spaces, and whatever stands behind them.
    /// A slice of `value`, which has no white space around it.
    ///
    /// What it is made of is not looked at here: `Authenticator` knows a token that it has seen by a hash, and every other
    /// one it takes only in a form that is stricter than the token68 of the RFC.
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
        guard start < value.count else { throw .malformed }
        return value.extracting(start..<value.count)
    }

    /// Whether a scheme's name goes on with `byte`: `Bearerish` is another scheme.
    private static func isTokenCharacter(_ byte: UInt8) -> Bool { Base64URL.value(of: byte) != nil }
}
