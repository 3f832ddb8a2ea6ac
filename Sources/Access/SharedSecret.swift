/// The secret of HS256. It shows itself to nobody: neither in a description nor in a dump.
final class SharedSecret: Sendable, CustomStringConvertible, CustomReflectable {
    private let bytes: [UInt8]

    /// Sizes taken, in bytes: as many as the digest has at least. (RFC 7518, section 3.2)
    static let byteCounts = 32...4096

    /// Nothing where the size is not taken.
    init?(_ bytes: [UInt8]) {
        guard Self.byteCounts.contains(bytes.count) else { return nil }
        self.bytes = bytes
    }

    var description: String { "a secret" }
    var customMirror: Mirror { Mirror(self, children: []) }

    /// Whether `signature` is made with this secret over `bytes`; in constant time.
    func verify(_ signature: Span<UInt8>, over bytes: Span<UInt8>) -> Bool {
        let secret = self.bytes
        return Cryptography.areEqual(signature, Cryptography.hmacSHA256(key: secret.span, bytes))
    }
}
