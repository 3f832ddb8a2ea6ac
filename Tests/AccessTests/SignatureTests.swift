import Testing

@testable import Access

/// Signatures that others made.
@Suite struct SignatureTests {
    private typealias Vectors = PublishedVectors

    private func decoded(_ text: String) throws -> [UInt8] { try #require(Base64URL.decode(text)) }

    private func published(_ algorithm: SignatureAlgorithm) throws -> (key: VerificationKey, token: String) {
        switch algorithm {
        case .hs256:
            let secret = try #require(SharedSecret(decoded(Vectors.hs256Key)))
            return (key(.secret(secret)), [Vectors.hs256Header, Vectors.payload, Vectors.hs256Signature].joined("."))
        case .rs256:
            let (n, e) = (try decoded(Vectors.rs256Modulus), try decoded("AQAB"))
            let key = try PublicKey(rsaModulus: n.span, exponent: e.span)
            return (
                self.key(.publicKey(key)), [Vectors.rs256Header, Vectors.payload, Vectors.rs256Signature].joined(".")
            )
        case .es256:
            let (x, y) = (try decoded(Vectors.es256X), try decoded(Vectors.es256Y))
            let key = try PublicKey(p256X: x.span, y: y.span)
            return (
                self.key(.publicKey(key)), [Vectors.es256Header, Vectors.payload, Vectors.es256Signature].joined(".")
            )
        case .edDSA:
            let x = try decoded(Vectors.edDSAX)
            return (
                key(.publicKey(try PublicKey(ed25519: x.span))),
                [Vectors.edDSAInput, Vectors.edDSASignature].joined(".")
            )
        }
    }

    private func key(_ material: VerificationKey.Material) -> VerificationKey {
        VerificationKey(id: nil, material: material, source: [0].span)
    }

    @Test(arguments: SignatureAlgorithm.allCases)
    func publishedExamplesAreGood(_ algorithm: SignatureAlgorithm) throws {
        let (key, token) = try published(algorithm)
        #expect(key.algorithm == algorithm)
        let bytes = token.bytes
        let parts = try #require(bytes.lastIndex(of: UInt8(ascii: ".")))
        let signature = try decoded(String(token.dropFirst(parts + 1)))
        let input = Array(bytes[0..<parts])
        #expect(key.verify(signature, over: input))
        // And of no other bytes, by no other signature.
        for index in [0, input.count / 2, input.count - 1] {
            var changed = input
            changed[index] ^= 1
            #expect(!key.verify(signature, over: changed))
        }
        for index in signature.indices {
            var changed = signature
            changed[index] ^= 0x10
            #expect(!key.verify(changed, over: input), "byte \(index)")
        }
        #expect(!key.verify(signature.dropLast(), over: input))
        #expect(!key.verify((signature + [0]), over: input))
        #expect(!key.verify([], over: input))
    }

    @Test(arguments: [SignatureAlgorithm.hs256, .rs256, .es256])
    func publishedTokensAreGood(_ algorithm: SignatureAlgorithm) throws {
        let (key, token) = try published(algorithm)
        var tokens = SignedTokens(keys: [key])
        tokens.rules.issuer = "joe"
        tokens.rules.leewaySeconds = 0
        #expect(try tokens.principal(token, now: 1_300_819_379).identifier == "jwt")
        #expect(tokens.refusal(token, now: 1_300_819_380) == .expired)
        tokens.rules.issuer = "jane"
        #expect(tokens.refusal(token, now: 1_300_819_379) == .wrongIssuer)
    }

    @Test(arguments: [
        (SignatureAlgorithm.rs256, TestKeys.rsaPEM, TestKeys.rsaToken),
        (.es256, TestKeys.p256PEM, TestKeys.p256Token), (.es256, TestKeys.p256Certificate, TestKeys.p256Token),
        (.edDSA, TestKeys.ed25519PEM, TestKeys.ed25519Token),
    ])
    func keysInPEM(_ algorithm: SignatureAlgorithm, _ pem: String, _ token: String) throws {
        let tokens = SignedTokens(keys: [try KeyFile.publicKey(pem.bytes, algorithm, id: nil)])
        let principal = try tokens.principal(token)
        #expect(principal.identifier == "jwt:orders-service")
        #expect(principal.expirySeconds == 4_102_444_830)
        #expect(
            principal.grants == Grants(publish: patterns("orders.**"), subscribe: patterns("orders.*"), isAdmin: true))
    }

    /// A signature of all zeros was good for anything in some libraries (CVE-2022-21449).
    @Test func zerosAreNoSignature() throws {
        let key = try KeyFile.publicKey(TestKeys.p256PEM.bytes, .es256, id: nil)
        #expect(!key.verify([UInt8](repeating: 0, count: 64), over: [1, 2, 3]))
    }
}

extension [String] {
    fileprivate func joined(_ separator: String) -> String { joined(separator: separator) }
}
