import Testing

@testable import Access

@Suite struct TokenClaimsTests {
    private let now = SignedTokens.now

    private func refusal(_ claims: String, _ rules: TokenRules = TokenRules(), at now: Int64) -> Refusal? {
        SignedTokens(rules: rules).refusal(SignedTokens.token(claims), now: now)
    }

    @Test func aTokenIsOverInTheSecondThatItSays() {
        let token = #"{"exp":1000}"#
        let exact = TokenRules(leewaySeconds: 0)
        #expect(refusal(token, exact, at: 999) == nil)
        #expect(refusal(token, exact, at: 1000) == .expired)
        #expect(refusal(token, at: 1029) == nil)
        #expect(refusal(token, at: 1030) == .expired)
    }

    @Test func thePrincipalIsOverWhenItsTokenIs() throws {
        let principal = try SignedTokens().principal(SignedTokens.token(#"{"exp":1000}"#), now: 1000)
        #expect(principal.expirySeconds == 1030)
        #expect(!principal.isExpired(at: 1029))
        #expect(principal.isExpired(at: 1030))
    }

    @Test func aTokenMustEndUnlessTheRulesSayOtherwise() throws {
        #expect(refusal("{}", at: now) == .malformed)
        let lasting = TokenRules(requiresExpiry: false)
        #expect(refusal("{}", lasting, at: now) == nil)
        #expect(refusal(#"{"exp":1000}"#, lasting, at: now) == .expired)
        #expect(try SignedTokens(rules: lasting).principal(SignedTokens.token("{}")).expirySeconds == nil)
    }

    @Test(arguments: ["nbf", "iat"])
    func whatIsYetToCome(_ name: String) {
        let exact = TokenRules(leewaySeconds: 0)
        let token = #"{"exp":2000,"\#(name)":1000}"#
        #expect(refusal(token, exact, at: 999) == .notYetValid)
        #expect(refusal(token, exact, at: 1000) == nil)
        #expect(refusal(token, at: 969) == .notYetValid)
        #expect(refusal(token, at: 970) == nil)
    }

    @Test(arguments: [
        "-1", "1e9", "\"1900000000\"", "null", "true", "[1900000000]", "1900000000000", "99999999999999999999", "{}",
    ])
    func whatIsNoTime(_ time: String) {
        for name in ["exp", "nbf", "iat"] {
            let claims = name == "exp" ? #"{"exp":\#(time)}"# : #"{"exp":1900000000,"\#(name)":\#(time)}"#
            #expect(refusal(claims, at: now) == .malformed)
        }
    }

    @Test(arguments: [
        "", "x", "[]", "null", #"{"exp":1900000000} x"#, #"{"exp":1900000000}{}"#, #"{"exp":1900000000,}"#,
        "\u{FEFF}{}",
    ])
    func whatIsNoObject(_ claims: String) { #expect(refusal(claims, at: now) == .malformed) }

    @Test func fractionsOfASecondAreLeftOut() throws {
        let principal = try SignedTokens().principal(SignedTokens.token(#"{"exp":1900000000.999}"#))
        #expect(principal.expirySeconds == 1_900_000_030)
    }

    @Test func theIssuer() {
        let rules = TokenRules(issuer: "https://id.example")
        #expect(refusal(#"{"exp":1900000000,"iss":"https://id.example"}"#, rules, at: now) == nil)
        for issuer in [#""https://id.example/""#, #""HTTPS://ID.EXAMPLE""#, #""""#] {
            #expect(refusal(#"{"exp":1900000000,"iss":\#(issuer)}"#, rules, at: now) == .wrongIssuer)
        }
        #expect(refusal(#"{"exp":1900000000}"#, rules, at: now) == .wrongIssuer)
        #expect(refusal(#"{"exp":1900000000,"iss":7}"#, rules, at: now) == .malformed)
        #expect(refusal(#"{"exp":1900000000,"iss":"anybody"}"#, at: now) == nil)
    }

    @Test func theAudience() {
        let rules = TokenRules(audiences: ["postern", "gate"])
        for audience in [#""postern""#, #""gate""#, #"["x","gate"]"#, #"["postern"]"#] {
            #expect(refusal(#"{"exp":1900000000,"aud":\#(audience)}"#, rules, at: now) == nil)
        }
        for audience in [#""x""#, #"["x"]"#, "[]", #""Postern""#] {
            #expect(refusal(#"{"exp":1900000000,"aud":\#(audience)}"#, rules, at: now) == .wrongAudience)
        }
        #expect(refusal(#"{"exp":1900000000}"#, rules, at: now) == .wrongAudience)
        for audience in ["7", "[7]", "{}", "null", #"["postern",7]"#] {
            #expect(refusal(#"{"exp":1900000000,"aud":\#(audience)}"#, rules, at: now) == .malformed)
        }
    }

    /// It is meant for somebody else.
    @Test func anAudienceThatNobodyConfiguredIsRefused() {
        #expect(refusal(#"{"exp":1900000000,"aud":"postern"}"#, at: now) == .wrongAudience)
    }

    @Test func grants() throws {
        let token = #"{"exp":1900000000,"postern":{"subscribe":["a.*","b"],"admin":true,"publish":["c.**"]}}"#
        let principal = try SignedTokens().principal(SignedTokens.token(token))
        #expect(principal.grants == Grants(publish: patterns("c.**"), subscribe: patterns("a.*,b"), isAdmin: true))
    }

    @Test(arguments: [#"{"exp":1900000000}"#, #"{"exp":1900000000,"postern":{}}"#, #"{"exp":1900000000,"POSTERN":1}"#])
    func withoutGrantsNothingIsAllowed(_ claims: String) throws {
        #expect(try SignedTokens().principal(SignedTokens.token(claims)).grants == Grants())
    }

    @Test(arguments: [
        #"{"publsh":["a"]}"#, #"{"publish":"a"}"#, #"{"publish":["a,b"]}"#, #"{"publish":["a*"]}"#,
        #"{"publish":[""]}"#,
        #"{"publish":["$x"]}"#, #"{"publish":[1]}"#, #"{"publish":["a"],"publish":["**"]}"#, #"{"admin":"yes"}"#,
        #"{"admin":1}"#, "[]", "null", "true", #""publish""#, #"{"publish":null}"#,
    ])
    func grantsThatMeanNothing(_ grants: String) {
        #expect(refusal(#"{"exp":1900000000,"postern":\#(grants)}"#, at: now) == .malformed)
    }

    @Test func patternsAreBounded() {
        let most = (0..<64).map { #""t\#($0)""# }.joined(separator: ",")
        #expect(refusal(#"{"exp":1900000000,"postern":{"publish":[\#(most)]}}"#, at: now) == nil)
        #expect(refusal(#"{"exp":1900000000,"postern":{"publish":[\#(most),"x"]}}"#, at: now) == .malformed)
    }

    @Test func twiceTheSameClaimIsRefused() {
        for claims in [
            #"{"exp":1900000000,"exp":1900000000}"#, #"{"exp":1900000000,"x":1,"x":2}"#,
            #"{"exp":1900000000,"sub":"a","\u0073ub":"b"}"#,
        ] {
            #expect(refusal(claims, at: now) == .malformed)
        }
    }

    @Test func eachSubjectIsAnOwnerOfItsOwn() throws {
        let long = String(repeating: "x", count: 64)
        let subjects = ["", #","sub":"""#, #","sub":"a""#, #","sub":"\#(long)a""#, #","sub":"\#(long)b""#]
        let tokens = SignedTokens()
        var owners: Set<UInt64> = []
        for subject in subjects {
            let token = SignedTokens.token(#"{"exp":1900000000\#(subject)}"#)
            let owner = try tokens.principal(token).owner
            #expect(try tokens.principal(token).owner == owner)
            owners.insert(owner)
        }
        #expect(owners.count == 5, "none, an empty one, a short one, and two that differ behind what a log shows")
    }

    @Test(arguments: [
        ("alice", "jwt:alice"), ("a b", "jwt:a b"), (#"x\ny"#, #"jwt:x\x0ay"#), (#"x\"y\\"#, #"jwt:x\x22y\x5c"#),
        ("ä", #"jwt:\xc3\xa4"#), (#"\u001b[31m"#, #"jwt:\x1b[31m"#), ("", "jwt:"),
        (String(repeating: "x", count: 64), "jwt:" + String(repeating: "x", count: 64)),
        (String(repeating: "x", count: 65), "jwt:" + String(repeating: "x", count: 64) + "..."),
    ])
    func theSubjectMayBeLogged(_ subject: String, _ identifier: String) throws {
        let token = SignedTokens.token(#"{"exp":1900000000,"sub":"\#(subject)"}"#)
        #expect(try SignedTokens().principal(token).identifier == identifier)
    }
}
