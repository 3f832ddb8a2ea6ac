import Testing

@testable import Access

@Suite struct KeySetFileTests {
    private static let rsa = #""kty":"RSA","n":"\#(TestKeys.rsaModulus)","e":"AQAB""#
    private static let p256 = #""kty":"EC","crv":"P-256","x":"\#(TestKeys.p256X)","y":"\#(TestKeys.p256Y)""#
    private static let ed25519 = #""kty":"OKP","crv":"Ed25519","x":"\#(TestKeys.ed25519X)""#

    private func set(_ keys: String...) throws(AccessError) -> KeySetFile {
        let text = #"{"keys":[\#(keys.map { "{\($0)}" }.joined(separator: ","))]}"#.bytes
        return try KeySetFile(text.span)
    }

    private func problems(_ keys: String...) -> [String] {
        let text = #"{"keys":[\#(keys.map { "{\($0)}" }.joined(separator: ","))]}"#
        return problems(of: text)
    }

    private func problems(of text: String) -> [String] {
        do throws(AccessError) {
            _ = try KeySetFile(text.bytes.span)
            return []
        } catch {
            return error.problems
        }
    }

    @Test func allThreeKinds() throws {
        let set = try set(Self.rsa, Self.p256 + #","use":"sig","kid":"ec""#, Self.ed25519 + #","alg":"EdDSA""#)
        #expect(set.keys.map(\.algorithm) == [.rs256, .es256, .edDSA])
        #expect(set.warnings == [])
        let tokens = SignedTokens(keys: set.keys)
        for token in [TestKeys.rsaToken, TestKeys.p256Token, TestKeys.ed25519Token] {
            #expect(tokens.refusal(token) == nil)
        }
    }

    @Test(arguments: [
        #""use":"enc""#, #""alg":"RS512""#, #""alg":"PS256""#, #""alg":"none""#, #""key_ops":["sign"]"#,
        #""key_ops":[]"#,
    ])
    func keysForSomethingElseAreLeftOut(_ member: String) throws {
        let set = try set(Self.rsa + "," + member, Self.p256)
        #expect(set.keys.map(\.algorithm) == [.es256])
        #expect(set.warnings == ["key 1: it is for no signature by RS256, ES256 or EdDSA; left out"])
        #expect(problems(Self.rsa + "," + member) == ["there is no key of use in the set"])
    }

    @Test(arguments: [
        #""kty":"EC","crv":"P-384","x":"AA","y":"AA""#, #""kty":"OKP","crv":"X25519","x":"AA""#, #""kty":"XYZ""#,
        #""x":"AA""#,
    ])
    func kindsThatAreNotTakenAreLeftOut(_ key: String) throws {
        #expect(try set(key, Self.rsa).keys.map(\.algorithm) == [.rs256])
    }

    @Test func aSetHoldsNoSecrets() {
        #expect(problems(Self.p256 + #","d":"AAAA""#) == ["key 1: it holds a secret; a key set has public keys alone"])
        #expect(
            problems(Self.rsa, #""kty":"oct","k":"c2VjcmV0""#) == [
                "key 2: it holds a secret; a key set has public keys alone"
            ])
    }

    @Test func keysThatAreNone() {
        let zeros = String(repeating: "A", count: 43)
        #expect(
            problems(#""kty":"RSA","n":"\#(TestKeys.rsaModulus)""#) == [
                "key 1: its numbers are missing or no base64url"
            ])
        #expect(problems(#""kty":"RSA","n":"a=","e":"AQAB""#) == ["key 1: its numbers are missing or no base64url"])
        #expect(
            problems(#""kty":"EC","crv":"P-256","x":"\#(zeros)","y":"\#(zeros)""#) == [
                "key 1: no public key could be read"
            ])
        #expect(problems(#""kty":"EC","crv":"P-256","x":"AA","y":"AA""#) == ["key 1: no public key could be read"])
        #expect(problems(#""kty":"OKP","crv":"Ed25519","x":"AAAA""#) == ["key 1: no public key could be read"])
        #expect(problems(#""kty":"RSA","n":"AQAB","e":"AQAB""#) == ["key 1: an RSA key must have 2048 to 8192 bits"])
    }

    /// With an exponent of 1 every text is its own signature.
    @Test(arguments: ["AQ", "Ag", "AA"])
    func exponentsThatSignNothing(_ exponent: String) {
        let told = problems(#""kty":"RSA","n":"\#(TestKeys.rsaModulus)","e":"\#(exponent)""#)
        #expect(told == ["key 1: the numbers of the key are not those of a key"])
    }

    @Test func allProblemsAreToldAtOnce() {
        let told = problems(
            Self.rsa + #","e":"AQAB""#, Self.rsa, Self.p256 + #","kid":"\#(String(repeating: "x", count: 257))""#)
        #expect(told == ["key 1: a member is there twice", "key 3: kid has at most 256 bytes"])
    }

    @Test(arguments: [
        ("", "the JSON breaks at byte 0: expected a value"), ("{}", "an object with keys is wanted"),
        ("[]", "the JSON breaks at byte 0: expected an object"),
        (#"{"keys":{}}"#, "the JSON breaks at byte 8: expected an array"),
        (#"{"keys":[]}"#, "there is no key of use in the set"),
        (#"{"keys":[{"kty":7}]}"#, "the JSON breaks at byte 16: expected a string"),
        (#"{"keys":[]} x"#, "the JSON breaks at byte 12: expected the end of the input"),
        (#"{"keys":[],"keys":[]}"#, "a member is there twice"),
    ])
    func texts(_ text: String, _ problem: String) { #expect(problems(of: text) == [problem]) }

    @Test func membersOfOthersAreLookedPast() {
        #expect(problems(of: #"{"x":[1,{}],"keys":[{\#(Self.rsa),"x5c":["AA"],"x5t":"AA"}]}"#) == [])
    }

    @Test func aSetIsBounded() {
        let keys = (0..<65).map { #"{\#(Self.ed25519),"kid":"\#($0)"}"# }
        #expect(problems(of: #"{"keys":[\#(keys.dropLast().joined(separator: ","))]}"#) == [])
        #expect(problems(of: #"{"keys":[\#(keys.joined(separator: ","))]}"#) == ["at most 64 keys are taken"])
    }
}
