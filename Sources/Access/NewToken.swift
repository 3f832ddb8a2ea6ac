import Arenas
import PubSub

/// A new static token: the text its owner keeps, and the line the server's file gets.
public struct NewToken: Sendable, CustomStringConvertible {
    /// `pst_…`: the secret, to be shown once and stored nowhere else.
    public let token: String
    /// The line for the file of tokens, without a line feed; has the token's SHA-256 and not the token.
    public let line: String

    /// Why there is no such token.
    public enum Failure: Error, Equatable, Sendable {
        case name
        case expiry
    }

    /// A token from `random` bits: the same arguments give the same token.
    /// - Parameters:
    ///   - name: 1 to 64 letters, digits, '.', '-' and '_'; no token itself. Where none is given, `token-` and the first
    ///     eight digits of the hash, by which its line is found again.
    ///   - expirySeconds: seconds since 1970-01-01T00:00:00Z, up to the year 9999; nothing for ever.
    ///   - random: bits that nobody can guess (`randomBits()`).
    public init(
        name: String?, grants: Grants, expirySeconds: Int64?, random: InlineArray<32, UInt8>
    ) throws(Failure) {
        token = "\(StaticToken.prefix)" + Base64URL.encode(random.span)
        let tokenBytes = Array(token.utf8)
        let digest = NewToken.hex(Cryptography.sha256(tokenBytes.span))
        let nameBytes = Array((name ?? "token-" + digest.prefix(8)).utf8)
        guard !StaticToken.isMeant(nameBytes.span), let name = StaticTokenFile.name(nameBytes.span) else { throw .name }
        var line = name + " sha256:" + digest
        if grants.publish.count > 0 { line += " publish=" + String(decoding: grants.publish.text, as: UTF8.self) }
        if grants.subscribe.count > 0 { line += " subscribe=" + String(decoding: grants.subscribe.text, as: UTF8.self) }
        if grants.isAdmin { line += " admin" }
        if let expirySeconds {
            guard (0...NumericDate.latest).contains(expirySeconds) else { throw .expiry }
            line += " expires=" + NewToken.time(expirySeconds)
        }
        self.line = line
    }

    /// Bits that nobody can guess.
    public static func randomBits() -> InlineArray<32, UInt8> { Cryptography.randomBytes() }

    /// The line; the token is not shown by accident.
    public var description: String { line }

    private static func hex(_ digest: Digest) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text = ""
        for index in 0..<Digest.byteCount {
            text.unicodeScalars.append(Unicode.Scalar(digits[Int(digest.bytes[index] >> 4)]))
            text.unicodeScalars.append(Unicode.Scalar(digits[Int(digest.bytes[index] & 15)]))
        }
        return text
    }

    /// RFC 3339, in whole seconds.
    private static func time(_ seconds: Int64) -> String {
        var output = OutputBuffer(capacity: Timestamp.byteCount)
        Timestamp(microseconds: seconds * 1_000_000).write(to: &output)
        var text = ""
        for index in 0..<19 { text.unicodeScalars.append(Unicode.Scalar(output.span[index])) }
        return text + "Z"
    }
}
