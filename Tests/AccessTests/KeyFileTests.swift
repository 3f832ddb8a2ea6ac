import Testing

@testable import Access

@Suite struct KeyFileTests {
    private func problem(_ pem: String, _ algorithm: SignatureAlgorithm) -> String? {
        do throws(AccessError) {
            _ = try KeyFile.publicKey(pem.bytes, algorithm, id: nil)
            return nil
        } catch {
            return error.problems.joined(separator: "; ")
        }
    }

    @Test func aKeyIsForTheAlgorithmItIsConfiguredFor() {
        #expect(problem(TestKeys.rsaPEM, .rs256) == nil)
        #expect(problem(TestKeys.rsaPEM, .es256) == "the key is for RS256 and not for ES256")
        #expect(problem(TestKeys.p256PEM, .edDSA) == "the key is for ES256 and not for EdDSA")
        #expect(problem(TestKeys.ed25519PEM, .rs256) == "the key is for EdDSA and not for RS256")
        #expect(problem(TestKeys.rsaPEM, .hs256) == "HS256 has a secret and no public key")
    }

    @Test func weakAndForeignKeys() {
        #expect(problem(TestKeys.rsa1024PEM, .rs256) == "an RSA key must have 2048 to 8192 bits")
        #expect(problem(TestKeys.p384PEM, .es256) == "the key must be of RSA, of the curve P-256 or of Ed25519")
    }

    @Test(arguments: ["", "no key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
    func noKey(_ text: String) { #expect(problem(text, .rs256) == "no public key could be read") }

    @Test func aPrivateKeyHasNoPlaceHere() {
        for kind in ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY"] {
            let text = "-----BEGIN \(kind)-----\nAAAA\n-----END \(kind)-----\n" + TestKeys.rsaPEM
            #expect(problem(text, .rs256) == "a private key is in it; only the public key belongs here")
        }
    }

    @Test(arguments: [(31, false), (32, true), (4096, true), (4097, false), (0, false)])
    func aSecretHasEnoughBytes(_ count: Int, _ isTaken: Bool) {
        let secret = [UInt8](repeating: UInt8(ascii: "x"), count: count)
        for end in ["", "\n", "\r\n"] {
            let key = try? KeyFile.secret(secret + end.bytes, id: nil)
            #expect((key != nil) == isTaken)
        }
    }

    @Test func theLineBreakAtTheEndIsNoPartOfASecret() throws {
        let tokens = SignedTokens(keys: [try KeyFile.secret(SignedTokens.secret + "\n".bytes, id: nil)])
        #expect(tokens.refusal(SignedTokens.token(#"{"exp":1900000000}"#)) == nil)
    }

    @Test func aPublicKeyIsNoSecret() {
        #expect(throws: AccessError.self) { try KeyFile.secret(TestKeys.rsaPEM.bytes, id: nil) }
    }

    @Test func twoKeysThatATokenCouldNotTellApart() throws {
        let one = try KeyFile.secret("1".bytes + SignedTokens.secret, id: nil)
        let two = try KeyFile.secret("2".bytes + SignedTokens.secret, id: nil)
        let named = try KeyFile.secret("3".bytes + SignedTokens.secret, id: "a".bytes)
        let rsa = try KeyFile.publicKey(TestKeys.rsaPEM.bytes, .rs256, id: "a".bytes)
        var ring = KeyRing()
        try ring.add(one)
        try ring.add(named)
        try ring.add(rsa)
        #expect(throws: AccessError.self) { try ring.add(two) }
        #expect(throws: AccessError.self) { try ring.add(named) }
        #expect(ring.keys.count == 3)
    }

    @Test func aSecretShowsItselfToNobody() throws {
        let key = try KeyFile.secret(SignedTokens.secret, id: "a".bytes)
        let text = String(decoding: SignedTokens.secret, as: UTF8.self)
        var dumped = ""
        dump(key, to: &dumped)
        dump(SignedTokens().ring, to: &dumped)
        for shown in ["\(key)", String(reflecting: key), dumped] {
            #expect(!shown.contains(text))
            // Nor number by number.
            #expect(!shown.contains("48, 49, 50"))
            #expect(!shown.contains("- 48\n"))
        }
        #expect(dumped.contains("fingerprint"))
    }

    @Test func fingerprintsTellKeysApart() throws {
        let keys = [
            try KeyFile.secret(SignedTokens.secret, id: nil), try KeyFile.secret(SignedTokens.secret, id: "a".bytes),
            try KeyFile.secret("x".bytes + SignedTokens.secret, id: nil),
            try KeyFile.publicKey(TestKeys.rsaPEM.bytes, .rs256, id: nil),
        ]
        #expect(Set(keys.map(\.fingerprint)).count == keys.count)
        #expect(try KeyFile.secret(SignedTokens.secret, id: nil).fingerprint == keys[0].fingerprint)
    }
}
