import COpenSSL

/// A public key of libcrypto's, of a kind and size that is taken.
///
/// Owns the key and frees it. Immutable; any number of threads may verify with it at a time.
// unsafe: owns a C object, and passes the bytes of spans to C for the length of a call.
@safe
final class PublicKey: @unchecked Sendable {
    /// What its signatures are made with.
    let algorithm: SignatureAlgorithm
    private let key: OpaquePointer

    /// Sizes of RSA keys taken, in bits: below, it can be broken (RFC 7518, section 3.3); above, a forged token costs
    /// much to refuse.
    static let rsaBits = 2048...8192

    /// Why a key is not taken.
    enum Failure: Error, Equatable {
        case noKey
        case otherKind
        case rsaSize
        case unsound

        var explanation: String {
            switch self {
            case .noKey: "no public key could be read"
            case .otherKind: "the key must be of RSA, of the curve P-256 or of Ed25519"
            case .rsaSize: "an RSA key must have \(rsaBits.lowerBound) to \(rsaBits.upperBound) bits"
            case .unsound: "the numbers of the key are not those of a key"
            }
        }
    }

    /// Takes over `key`, also where it throws.
    private init(_ key: OpaquePointer?) throws(Failure) {
        guard let key = unsafe key else { throw .noKey }
        do throws(Failure) {
            algorithm = unsafe try Self.algorithm(of: key)
        } catch {
            unsafe postern_key_free(key)
            throw error
        }
        unsafe self.key = unsafe key
    }

    deinit { unsafe postern_key_free(key) }

    private static func algorithm(of key: OpaquePointer) throws(Failure) -> SignatureAlgorithm {
        let algorithm: SignatureAlgorithm
        switch unsafe postern_key_kind(key) {
        case POSTERN_KEY_RSA:
            guard rsaBits.contains(Int(unsafe postern_key_bits(key))) else { throw .rsaSize }
            algorithm = .rs256
        case POSTERN_KEY_P256: algorithm = .es256
        case POSTERN_KEY_ED25519: algorithm = .edDSA
        default: throw .otherKind
        }
        guard unsafe postern_key_is_sound(key) == 1 else { throw .unsound }
        return algorithm
    }

    /// The first public key, or that of the first certificate, in a PEM text. (RFC 7468)
    convenience init(pem: Span<UInt8>) throws(Failure) {
        let key = unsafe pem.withUnsafeBufferPointer { text in
            unsafe postern_key_from_pem(text.baseAddress, text.count)
        }
        unsafe try self.init(key)
    }

    /// An RSA key by its modulus and exponent, big-endian. (RFC 7518, section 6.3.1)
    convenience init(rsaModulus n: Span<UInt8>, exponent e: Span<UInt8>) throws(Failure) {
        guard n.count > 0, e.count > 0 else { throw .noKey }
        let key = unsafe n.withUnsafeBufferPointer { n in
            unsafe e.withUnsafeBufferPointer { e in
                unsafe postern_key_from_rsa(n.baseAddress, n.count, e.baseAddress, e.count)
            }
        }
        unsafe try self.init(key)
    }

    /// A key of P-256 by its point, 32 bytes each. (RFC 7518, section 6.2.1)
    convenience init(p256X x: Span<UInt8>, y: Span<UInt8>) throws(Failure) {
        guard x.count == 32, y.count == 32 else { throw .noKey }
        let key = unsafe x.withUnsafeBufferPointer { x in
            unsafe y.withUnsafeBufferPointer { y in unsafe postern_key_from_p256(x.baseAddress, y.baseAddress) }
        }
        unsafe try self.init(key)
    }

    /// A key of Ed25519, 32 bytes. (RFC 8037, section 2)
    convenience init(ed25519 x: Span<UInt8>) throws(Failure) {
        guard x.count == 32 else { throw .noKey }
        let key = unsafe x.withUnsafeBufferPointer { x in unsafe postern_key_from_ed25519(x.baseAddress) }
        unsafe try self.init(key)
    }

    /// Whether `signature` is this key's over `bytes`.
    func verify(_ signature: Span<UInt8>, over bytes: Span<UInt8>) -> Bool {
        unsafe signature.withUnsafeBufferPointer { signature in
            unsafe bytes.withUnsafeBufferPointer { bytes in
                let good =
                    switch algorithm {
                    case .rs256:
                        unsafe postern_verify_rs256(
                            key, bytes.baseAddress, bytes.count, signature.baseAddress, signature.count)
                    case .es256:
                        unsafe postern_verify_es256(
                            key, bytes.baseAddress, bytes.count, signature.baseAddress, signature.count)
                    case .edDSA:
                        unsafe postern_verify_ed25519(
                            key, bytes.baseAddress, bytes.count, signature.baseAddress, signature.count)
                    case .hs256: Int32(0)
                    }
                return good == 1
            }
        }
    }
}
