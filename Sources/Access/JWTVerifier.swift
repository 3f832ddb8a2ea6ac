import Arenas

/// Checks signed tokens. (RFC 7515, 7519 and 8725)
///
/// Which algorithms are good is said by the keys that are configured, never by a token. Nothing of a token but its
/// header is read before its signature is known to be good. Immutable; any thread.
struct JWTVerifier: Sendable {
    let keys: KeyRing
    let rules: TokenRules

    /// Whom a token stands for. Decodes in `arena`; what is returned is not in it.
    /// - Parameter nowSeconds: seconds since 1970-01-01T00:00:00Z.
    func verify(
        _ text: Span<UInt8>, in arena: borrowing ScopedArena, nowSeconds: Int64
    ) throws(TokenFailure) -> Principal {
        guard let token = JSONWebToken(text) else { throw .malformed }
        let header = try TokenHeader.parse(JSONWebToken.decoded(token.header, in: arena), keys: keys, in: arena)
        let key: VerificationKey
        do throws(Refusal) {
            key = try keys.key(for: header.algorithm, among: header.candidates)
        } catch {
            throw .refused(error)
        }
        let signature = try JSONWebToken.decoded(token.signature, in: arena)
        guard key.verify(signature, over: token.signingInput) else { throw .refused(.badSignature) }
        let claims = try TokenClaims(JSONWebToken.decoded(token.payload, in: arena), expecting: rules, in: arena)
        do throws(Refusal) {
            try check(claims, nowSeconds)
        } catch {
            throw .refused(error)
        }
        return Principal(
            identifier: claims.subject.map { "jwt:" + $0 } ?? "jwt", owner: claims.owner, grants: claims.grants,
            expirySeconds: claims.expiry.map { $0 + rules.leewaySeconds },
            credential: .key(fingerprint: key.fingerprint))
    }

    private func check(_ claims: TokenClaims, _ nowSeconds: Int64) throws(Refusal) {
        if rules.issuer != nil, claims.isIssuerWanted != true { throw .wrongIssuer }
        guard claims.isAudienceWanted ?? rules.audiences.isEmpty else { throw .wrongAudience }
        if let expiry = claims.expiry {
            // Good up to the second before. (RFC 7519, section 4.1.4)
            guard nowSeconds < expiry + rules.leewaySeconds else { throw .expired }
        } else if rules.requiresExpiry {
            throw .malformed
        }
        let latest = nowSeconds + rules.leewaySeconds
        if let notBefore = claims.notBefore, notBefore > latest { throw .notYetValid }
        if let issuedAt = claims.issuedAt, issuedAt > latest { throw .notYetValid }
    }
}
