/// Where a key for signed tokens stands, and what it is for.
public struct KeySource: Sendable, Equatable {
    enum Form: Sendable, Equatable {
        case secret, publicKey(SignatureAlgorithm), set
    }

    let form: Form
    /// The file's path.
    public let path: String
    let id: [UInt8]?

    /// The secret of HS256: a file of 32 to 4,096 bytes, a line break at its end left out.
    /// - Parameter id: what tokens name it by in `kid`; needed where there are several.
    public static func secret(path: String, id: String? = nil) -> KeySource {
        KeySource(form: .secret, path: path, id: id.map { Array($0.utf8) })
    }

    /// A public key, or a certificate that has one, in PEM.
    /// - Parameter id: what tokens name it by in `kid`; needed where there are several of one algorithm.
    public static func publicKey(_ algorithm: SignatureAlgorithm, path: String, id: String? = nil) -> KeySource {
        KeySource(form: .publicKey(algorithm), path: path, id: id.map { Array($0.utf8) })
    }

    /// A JSON Web Key Set of public keys; what each is for follows from its kind.
    public static func keySet(path: String) -> KeySource { KeySource(form: .set, path: path, id: nil) }
}
