/// How a signed token may be signed. (RFC 7518, section 3; RFC 8037, section 3.1)
public enum SignatureAlgorithm: String, Sendable, CaseIterable {
    case hs256 = "HS256"
    case rs256 = "RS256"
    case es256 = "ES256"
    case edDSA = "EdDSA"

    /// The algorithm with this name, byte for byte; nothing for others, `none` among them.
    init?(_ name: Span<UInt8>) {
        if name.count == 5, name.starts(with: "HS256") {
            self = .hs256
        } else if name.count == 5, name.starts(with: "RS256") {
            self = .rs256
        } else if name.count == 5, name.starts(with: "ES256") {
            self = .es256
        } else if name.count == 5, name.starts(with: "EdDSA") {
            self = .edDSA
        } else {
            return nil
        }
    }
}
