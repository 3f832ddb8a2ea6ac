import Arenas

/// Whoever a token stands for, as found when it was last checked.
///
/// Immutable and shared: any thread may hold one for as long as it likes. Nothing secret is in it.
public final class Principal: Sendable {
    /// What is allowed.
    public let grants: Grants
    /// A name that may be written to a log: `token:` and a static token's name, or `jwt:` and the subject, cut short
    /// and escaped.
    public let identifier: String
    /// Tells whose token it is from others', by all of the name or subject, also after a reload, as long as the process
    /// lives.
    public let owner: UInt64
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
        self.init(
            identifier: identifier, owner: Self.owner("", identifier.utf8Span.span), grants: grants, expirySeconds: nil,
            credential: .none)
    }

    init(identifier: String, owner: UInt64, grants: Grants, expirySeconds: Int64?, credential: Credential) {
        self.grants = grants
        self.identifier = identifier
        self.owner = owner
        self.expirySeconds = expirySeconds
        self.credential = credential
    }

    /// A start's own key, so that nobody can choose a subject that is taken for another.
    private static let hash = KeyedHash.random()

    /// The number of an owner by its kind and its name, which may be of any length.
    static func owner(_ kind: String, _ name: Span<UInt8>) -> UInt64 { hash.hash128(kind.utf8Span.span, name).0 }

    /// Whether it is over at `nowSeconds`, seconds since 1970-01-01T00:00:00Z.
    public func isExpired(at nowSeconds: Int64) -> Bool {
        guard let expirySeconds else { return false }
        return nowSeconds >= expirySeconds
    }
}
