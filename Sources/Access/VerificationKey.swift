import Arenas

/// A key that signed tokens are checked with: what it is for is said by the configuration, never by a token.
struct VerificationKey: Sendable {
    enum Material: Sendable {
        case secret(SharedSecret)
        case publicKey(PublicKey)
    }

    /// What a token's `kid` names it by; nothing where it has no name.
    let id: [UInt8]?
    let material: Material
    /// Tells the key from others, also after a reload, as long as the process lives; says nothing about it.
    let fingerprint: UInt64

    /// Longest id, in bytes; that of common issuers has 27 to 64.
    static let maximumIDBytes = 256
    /// A start's own, so that fingerprints of secrets are of no use to anybody.
    private static let hash = KeyedHash.random()

    /// - Parameter source: the bytes the key was made of.
    init(id: [UInt8]?, material: Material, source: Span<UInt8>) {
        self.id = id
        self.material = material
        let name = id ?? []
        fingerprint = Self.hash.hash128(name.span, source).0
    }

    /// The one algorithm the key is for.
    var algorithm: SignatureAlgorithm {
        switch material {
        case .secret: .hs256
        case .publicKey(let key): key.algorithm
        }
    }

    /// Whether `signature` is this key's over `bytes`.
    func verify(_ signature: Span<UInt8>, over bytes: Span<UInt8>) -> Bool {
        switch material {
        case .secret(let secret): secret.verify(signature, over: bytes)
        case .publicKey(let key): key.verify(signature, over: bytes)
        }
    }
}
