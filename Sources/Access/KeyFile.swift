/// Reads the files that keys for signed tokens stand in.
enum KeyFile {
    /// Largest file of keys, in bytes: a full set of the largest keys has less.
    static let maximumBytes = 256 << 10

    /// The keys of `source`, and what whoever runs the server should know about them.
    static func read(_ source: KeySource) throws(AccessError) -> (keys: [VerificationKey], warnings: [String]) {
        let file = try FileContents(path: source.path, maximumBytes: maximumBytes)
        do throws(AccessError) {
            guard (source.id?.count ?? 0) <= VerificationKey.maximumIDBytes else {
                throw AccessError("the key's id has at most \(VerificationKey.maximumIDBytes) bytes")
            }
            var (keys, warnings) = try keys(in: file.bytes, source)
            if source.form == .secret, file.othersMayRead {
                warnings.append("everybody may read this secret; take that away with chmod o-r")
            }
            for index in warnings.indices { warnings[index] = "\(source.path): " + warnings[index] }
            return (keys, warnings)
        } catch {
            throw AccessError(error.problems.map { "\(source.path): \($0)" })
        }
    }

    private static func keys(
        in bytes: [UInt8], _ source: KeySource
    ) throws(AccessError) -> (keys: [VerificationKey], warnings: [String]) {
        switch source.form {
        case .secret: return ([try secret(bytes, id: source.id)], [])
        case .publicKey(let algorithm): return ([try publicKey(bytes, algorithm, id: source.id)], [])
        case .set:
            let set = try KeySetFile(bytes.span)
            return (set.keys, set.warnings)
        }
    }

    /// A secret, without the line break that editors and `echo` end a file with.
    static func secret(_ bytes: [UInt8], id: [UInt8]?) throws(AccessError) -> VerificationKey {
        var bytes = bytes
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        let text = String(decoding: bytes.prefix(64), as: UTF8.self)
        // A public key as a secret: everybody could sign with it.
        guard !text.contains("-----BEGIN") else { throw AccessError("this is a key in PEM; HS256 wants a secret") }
        guard let secret = SharedSecret(bytes) else {
            let range = SharedSecret.byteCounts
            throw AccessError("a secret of HS256 must have \(range.lowerBound) to \(range.upperBound) bytes")
        }
        return VerificationKey(id: id, material: .secret(secret), source: bytes.span)
    }

    static func publicKey(
        _ bytes: [UInt8], _ algorithm: SignatureAlgorithm, id: [UInt8]?
    ) throws(AccessError) -> VerificationKey {
        guard algorithm != .hs256 else { throw AccessError("HS256 has a secret and no public key") }
        guard !String(decoding: bytes, as: UTF8.self).contains("PRIVATE KEY-----") else {
            throw AccessError("a private key is in it; only the public key belongs here")
        }
        let key: PublicKey
        do throws(PublicKey.Failure) { key = try PublicKey(pem: bytes.span) } catch {
            throw AccessError(error.explanation)
        }
        guard key.algorithm == algorithm else {
            throw AccessError("the key is for \(key.algorithm.rawValue) and not for \(algorithm.rawValue)")
        }
        return VerificationKey(id: id, material: .publicKey(key), source: bytes.span)
    }
}
