import Testing

@testable import Access

/// Tokens as strangers make them up.
@Suite struct ForgedTokenTests {
    private let tokens = SignedTokens()
    private let claims = #"{"exp":1900000000,"postern":{"publish":["**"]}}"#

    @Test func theOneTheyAreMadeOfIsGood() { #expect(tokens.refusal(SignedTokens.token(claims)) == nil) }

    @Test(arguments: ["none", "None", "NONE", "nOnE", "", "HS384", "HS512", "hs256", "RS256", "HS256 ", "PS256"])
    func otherAlgorithms(_ name: String) {
        let header = #"{"alg":"\#(name)"}"#
        #expect(tokens.refusal(SignedTokens.token(header: header, claims)) == .wrongAlgorithm)
        // And without a signature.
        let unsigned = SignedTokens.encoded(header) + "." + SignedTokens.encoded(claims) + "."
        #expect(tokens.refusal(unsigned) == .wrongAlgorithm)
    }

    @Test func anEmptySignatureIsNone() {
        let token = SignedTokens.encoded(#"{"alg":"HS256"}"#) + "." + SignedTokens.encoded(claims) + "."
        #expect(tokens.refusal(token) == .malformed)
    }

    /// The public key, which everybody has, is no secret. (RFC 8725, section 2.1)
    @Test func aPublicKeyIsNoSecret() throws {
        let keys = SignedTokens(keys: [try KeyFile.publicKey(TestKeys.rsaPEM.bytes, .rs256, id: nil)])
        #expect(keys.refusal(TestKeys.rsaToken) == nil)
        for secret in [TestKeys.rsaPEM, TestKeys.rsaPEM + "\n"] {
            #expect(keys.refusal(SignedTokens.token(claims, secret: secret.bytes)) == .wrongAlgorithm)
            let renamed = SignedTokens.token(header: #"{"alg":"RS256"}"#, claims, secret: secret.bytes)
            #expect(keys.refusal(renamed) == .badSignature)
        }
    }

    @Test func anotherSecret() {
        let other = "another secret, just as long as it".bytes
        #expect(tokens.refusal(SignedTokens.token(claims, secret: other)) == .badSignature)
    }

    /// Whatever byte changes: no token but the one that was signed is good.
    @Test func changedBytes() {
        let token = SignedTokens.token(claims).bytes
        for index in token.indices {
            for flip in [UInt8(1), 0x20, 0x80] {
                var changed = token
                changed[index] ^= flip
                #expect(tokens.refusal(String(decoding: changed, as: UTF8.self)) != nil, "byte \(index)")
            }
        }
    }

    @Test func truncatedAndLengthened() {
        let token = SignedTokens.token(claims)
        for count in 0..<token.count { #expect(tokens.refusal(String(token.prefix(count))) != nil, "\(count)") }
        for tail in [".", "A", "=", " ", "\n", ".AAAA", ".."] {
            #expect(tokens.refusal(token + tail) != nil, "\(tail)")
        }
        #expect(tokens.refusal("." + token) != nil)
    }

    @Test(arguments: ["", ".", "..", "...", "a.b", "a.b.c", "a.b.c.d", "eyJ9.e30.", "....", "pst_", "e30.e30.e30"])
    func shapes(_ text: String) { #expect(tokens.refusal(text) == .malformed) }

    private func named(_ id: String, _ secret: String) throws -> VerificationKey {
        try KeyFile.secret(secret.bytes, id: id.bytes)
    }

    @Test func theKeyThatIsNamedIsTheOneThatCounts() throws {
        let one = "one one one one one one one one one"
        let two = "two two two two two two two two two"
        let keys = SignedTokens(keys: [try named("one", one), try named("two", two)])
        func token(_ id: String, _ secret: String) -> String {
            SignedTokens.token(header: #"{"alg":"HS256","kid":"\#(id)"}"#, claims, secret: secret.bytes)
        }
        #expect(keys.refusal(token("one", one)) == nil)
        #expect(keys.refusal(token("two", two)) == nil)
        #expect(keys.refusal(token("one", two)) == .badSignature)
        #expect(keys.refusal(token("two", one)) == .badSignature)
        #expect(keys.refusal(token("three", one)) == .unknown)
        // With several keys, a token says which one it means.
        #expect(keys.refusal(SignedTokens.token(claims, secret: one.bytes)) == .unknown)
    }

    @Test func aKeyWithoutAnIDServesTokensThatNameOne() {
        #expect(tokens.refusal(SignedTokens.token(header: #"{"alg":"HS256","kid":"any"}"#, claims)) == nil)
    }

    @Test func theNamedKeyIsForItsOwnAlgorithm() throws {
        let rsa = try KeyFile.publicKey(TestKeys.rsaPEM.bytes, .rs256, id: "rsa".bytes)
        let keys = SignedTokens(keys: [rsa, try KeyFile.secret(SignedTokens.secret, id: "mac".bytes)])
        #expect(keys.refusal(SignedTokens.token(header: #"{"alg":"HS256","kid":"mac"}"#, claims)) == nil)
        #expect(keys.refusal(SignedTokens.token(header: #"{"alg":"HS256","kid":"rsa"}"#, claims)) == .wrongAlgorithm)
    }

    @Test(arguments: [
        #"{"alg":"HS256","alg":"HS256"}"#, #"{"alg":"none","alg":"HS256"}"#, #"{"alg":"HS256","\u0061lg":"HS256"}"#,
        #"{"alg":"HS256","x":1,"x":1}"#, #"{"alg":"HS256","kid":"a","kid":"b"}"#,
        #"{"alg":"HS256","crit":["b64"],"b64":false}"#, #"{"alg":"HS256","crit":[]}"#, #"{"typ":"JWT"}"#, "{}", "[]",
        #""HS256""#, "null", "", "{", #"{"alg":"HS256"} x"#, #"{"alg":256}"#, #"{"alg":null}"#, #"{"alg":["HS256"]}"#,
        #"{"alg":"HS256","kid":7}"#, #"{"alg":"HS256","typ":"secevent+jwt"}"#, #"{"alg":"HS256","typ":"dpop+jwt"}"#,
        #"{"alg":"HS256","typ":"application/"}"#, #"{"alg":"HS256","typ":1}"#,
    ])
    func headers(_ header: String) {
        #expect(tokens.refusal(SignedTokens.token(header: header, claims)) == .malformed)
    }

    @Test(arguments: [
        #"{"alg":"HS256"}"#, #"{"alg":"HS256","typ":"jwt"}"#, #"{"alg":"HS256","typ":"at+jwt"}"#,
        #"{"alg":"HS256","typ":"application/at+JWT"}"#, #"{"alg":"HS256","jku":"https://e.example/keys","x":[{}]}"#,
        #"{"alg":"\u0048S256"}"#, #" { "alg" : "HS256" } "#,
    ])
    func headersThatAreGood(_ header: String) {
        #expect(tokens.refusal(SignedTokens.token(header: header, claims)) == nil)
    }

    @Test func aTokenHasEightKibibytesAtMost() {
        func token(_ padding: Int) -> String {
            SignedTokens.token(#"{"exp":1900000000,"x":"\#(String(repeating: "x", count: padding))"}"#)
        }
        var padding = 6000
        while token(padding + 1).utf8.count <= 8192 { padding += 1 }
        #expect(tokens.refusal(token(padding)) == nil)
        #expect(tokens.refusal(token(padding + 1)) == .malformed)
        #expect(tokens.refusal(token(1_000_000)) == .malformed)
    }

    @Test func deepAndBroadObjects() {
        let deep = String(repeating: "[", count: 2000) + String(repeating: "]", count: 2000)
        #expect(tokens.refusal(SignedTokens.token(#"{"exp":1900000000,"x":\#(deep)}"#)) == .malformed)
        #expect(tokens.refusal(SignedTokens.token(header: #"{"alg":"HS256","x":\#(deep)}"#, claims)) == .malformed)
        let broad = (0..<100).map { #""c\#($0)":0"# }.joined(separator: ",")
        #expect(tokens.refusal(SignedTokens.token(#"{"exp":1900000000,\#(broad)}"#)) == .malformed)
    }

    /// With a bad signature nothing of the claims is looked at, so nothing of them can be learnt.
    @Test func theSignatureComesFirst() {
        let other = "another secret, just as long as it".bytes
        for claims in ["not json", #"{"exp":1}"#, #"{"exp":1900000000,"aud":"x"}"#] {
            #expect(tokens.refusal(SignedTokens.token(claims, secret: other)) == .badSignature)
        }
    }

    @Test func aForgerLearnsNothing() {
        for refusal in Refusal.allCases {
            #expect("\(refusal.code)" == (refusal == .expired ? "token_expired" : "invalid_token"))
        }
    }
}
