import Arenas

@testable import Access

/// Signs tokens with HS256, and checks them.
struct SignedTokens {
    static let secret = "0123456789abcdef0123456789abcdef".bytes
    /// The time that tests play at, in seconds.
    static let now: Int64 = 1_800_000_000

    var ring = KeyRing()
    var rules = TokenRules()

    /// With one key, of HS256, without an id.
    init(rules: TokenRules = TokenRules()) {
        self.rules = rules
        do throws(AccessError) {
            try ring.add(KeyFile.secret(Self.secret, id: nil))
        } catch {
            preconditionFailure("\(error)")
        }
    }

    init(keys: [VerificationKey]) {
        do throws(AccessError) { for key in keys { try ring.add(key) } } catch { preconditionFailure("\(error)") }
    }

    static func encoded(_ text: String) -> String { Base64URL.encode(text.bytes.span) }

    /// A token with this header and these claims, whatever they are, signed with `secret`.
    static func token(
        header: String = #"{"alg":"HS256","typ":"JWT"}"#, _ claims: String, secret: [UInt8] = secret
    ) -> String {
        let input = encoded(header) + "." + encoded(claims)
        let digest = Cryptography.hmacSHA256(key: secret.span, input.bytes.span)
        return input + "." + Base64URL.encode(digest.bytes.span)
    }

    func principal(_ token: String, now: Int64 = now) throws(TokenFailure) -> Principal {
        let arena = ScopedArena()
        return try JWTVerifier(keys: ring, rules: rules).verify(token.bytes.span, in: arena, nowSeconds: now)
    }

    /// Why a token is refused; nothing where it is good.
    func refusal(_ token: String, now: Int64 = now) -> Refusal? {
        do throws(TokenFailure) {
            _ = try principal(token, now: now)
            return nil
        } catch {
            guard case .refused(let refusal) = error else { preconditionFailure("no memory") }
            return refusal
        }
    }
}
