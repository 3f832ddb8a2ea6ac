// The readers are the target's own matter: only scripts/fuzz.sh builds it so that they can be reached from outside.
#if FUZZING
    import Arenas
    import JSON
    @testable import Access

    /// Takes any bytes for a token, for a token's parts rightly signed, for a file of tokens, for a key set and for the
    /// value of `Authorization`, and traps where a promise breaks: none of them traps, nothing is let in that the secret did
    /// not sign, and what is let in has an end and claims without duplicates.
    func fuzzJWT(_ bytes: Span<UInt8>) {
        guard bytes.count > 0 else { return }
        let rest = bytes.extracting(1..<bytes.count)
        switch bytes[0] % 6 {
        case 0: checkToken(rest)
        case 1: checkSigned(header: rest, claims: goodClaims.span)
        case 2: checkSigned(header: goodHeader.span, claims: rest)
        case 3: checkTokenFile(rest)
        case 4: _ = try? KeySetFile(rest)
        default: checkCredentials(rest)
        }
    }

    private let secret = Array("0123456789abcdef0123456789abcdef".utf8)
    private let goodHeader = Array(#"{"alg":"HS256"}"#.utf8)
    private let goodClaims = Array(#"{"exp":1900000000}"#.utf8)
    private let now: Int64 = 1_800_000_000

    private let verifier: JWTVerifier = {
        var ring = KeyRing()
        guard let key = try? KeyFile.secret(secret, id: nil), (try? ring.add(key)) != nil else {
            preconditionFailure("no key")
        }
        return JWTVerifier(keys: ring, rules: TokenRules())
    }()

    private func verified(_ token: Span<UInt8>) -> Principal? {
        let arena = ScopedArena()
        return try? verifier.verify(token, in: arena, nowSeconds: now)
    }

    private func checkToken(_ token: Span<UInt8>) {
        guard let principal = verified(token) else { return }
        precondition(principal.expirySeconds != nil && !principal.isExpired(at: now), "a token without an end")
        guard let parts = JSONWebToken(token), let signature = Base64URL.decode(parts.signature) else {
            preconditionFailure("a token that has not the form of one")
        }
        let expected = Cryptography.hmacSHA256(key: secret.span, parts.signingInput)
        precondition(Cryptography.areEqual(signature.span, expected), "a token that nobody signed")
    }

    /// A header and claims, whatever they are, with a signature that is right: only what they say decides.
    private func checkSigned(header: Span<UInt8>, claims: Span<UInt8>) {
        let input = Array((Base64URL.encode(header) + "." + Base64URL.encode(claims)).utf8)
        let digest = Cryptography.hmacSHA256(key: secret.span, input.span)
        let signature = Array(("." + Base64URL.encode(digest.bytes.span)).utf8)
        let token = input + signature
        checkToken(token.span)
        guard let principal = verified(token.span) else { return }
        precondition(
            (try? JSONReader.validate(header, depthLimit: JSONWebToken.jsonDepth)) != nil, "a header that is no JSON")
        precondition(
            (try? JSONReader.validate(claims, depthLimit: JSONWebToken.jsonDepth)) != nil, "claims that are no JSON")
        for scalar in principal.identifier.unicodeScalars {
            precondition(scalar.value >= 0x20 && scalar.value < 0x7F, "an identifier that cannot be logged")
        }
        precondition(principal.grants.publish.count <= PatternList.maximumPatterns, "more patterns than are taken")
        var changed = token
        changed[changed.count - 20] ^= 1
        precondition(verified(changed.span) == nil, "a changed signature")
    }

    private func checkTokenFile(_ text: Span<UInt8>) {
        do throws(AccessError) {
            _ = try StaticTokenFile.parse(text)
        } catch {
            precondition(!error.problems.isEmpty, "a refusal without a reason")
        }
    }

    private func checkCredentials(_ value: Span<UInt8>) {
        do throws(BearerCredentials.Failure) {
            let token = try BearerCredentials.token(in: value)
            precondition(token.count > 0 && token.count <= value.count - 7, "a token that is not there")
        } catch {}
    }
#endif
