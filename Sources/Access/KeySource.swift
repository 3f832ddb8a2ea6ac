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

    private init(form: Form, path: String, id: [UInt8]?) {
        self.form = form
        self.path = path
        self.id = id
    }

    /// Reads what stands on a command line: `ALGORITHM=PATH`, `ALGORITHM@ID=PATH` or `JWKS=PATH`, such as
    /// `RS256@2026=/etc/postern/issuer.pem`. The file is not looked at.
    /// - Throws: what is wanted.
    public init(parsing text: String) throws(AccessError) {
        let wanted = AccessError("HS256, RS256, ES256 or EdDSA, perhaps @ID, or JWKS is wanted, and =PATH behind it")
        guard let equals = text.firstIndex(of: "=") else { throw wanted }
        let path = String(text[text.index(after: equals)...])
        var name = text[..<equals]
        var id: String?
        if let at = name.firstIndex(of: "@") {
            id = String(name[name.index(after: at)...])
            name = name[..<at]
        }
        guard !path.isEmpty, id != "" else { throw wanted }
        if name == "JWKS" {
            // The keys of a set have their own.
            guard id == nil else { throw wanted }
            self = .keySet(path: path)
            return
        }
        guard let algorithm = SignatureAlgorithm(rawValue: String(name)) else { throw wanted }
        self = algorithm == .hs256 ? .secret(path: path, id: id) : .publicKey(algorithm, path: path, id: id)
    }
}
