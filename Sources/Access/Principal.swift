/// Whoever a token stands for, as found when it was last checked.
///
/// Immutable and shared: any thread may hold one for as long as it likes. Nothing secret is in it.
public final class Principal: Sendable {
    /// What is allowed.
    public let grants: Grants
    /// A name that may be written to a log: `token:` and a static token's name, or `jwt:` and the subject, cut short
    /// and escaped.
    public let identifier: String
    /// The first second, since 1970-01-01T00:00:00Z, in which the token is no longer good, leeway included; nothing
    /// where it stays good.
    public let expirySeconds: Int64?
    /// What vouches for it, to be looked for again when the configuration has changed.
    let credential: Credential

    /// What a principal rests on.
    enum Credential: Sendable {
        /// A line in the file of tokens.
        case staticToken(Digest)
        /// A signature of the key with this fingerprint.
        case key(fingerprint: UInt64)
        /// Whoever made it.
        case none
    }

    /// A principal that no token stands for: whoever comes without one, say.
    public convenience init(identifier: String, grants: Grants) {
        self.init(identifier: identifier, grants: grants, expirySeconds: nil, credential: .none)
    }

    init(identifier: String, grants: Grants, expirySeconds: Int64?, credential: Credential) {
        self.grants = grants
        self.identifier = identifier
        self.expirySeconds = expirySeconds
        self.credential = credential
    }

    /// Whether it is over at `nowSeconds`, seconds since 1970-01-01T00:00:00Z.
    public func isExpired(at nowSeconds: Int64) -> Bool {
        guard let expirySeconds else { return false }
        return nowSeconds >= expirySeconds
    }
}
