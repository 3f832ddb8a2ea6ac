import Testing

@testable import Access

@Suite struct NewTokenTests {
    private let bits = InlineArray<32, UInt8>(repeating: 0xFB)
    private let grants = Grants(publish: patterns("a.**,b"), subscribe: patterns("c.*"), isAdmin: true)

    @Test func theSameArgumentsGiveTheSameToken() throws {
        let new = try NewToken(name: "x", grants: grants, expirySeconds: 1_801_353_600, random: bits)
        #expect(new.token == "pst_-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s")
        #expect(new.line.hasPrefix("x sha256:"))
        #expect(new.line.hasSuffix(" publish=a.**,b subscribe=c.* admin expires=2027-01-31T00:00:00Z"))
    }

    /// What the server reads from the line is what was asked for, and the token finds it.
    @Test func theLineLetsTheTokenIn() throws {
        for _ in 0..<50 {
            let new = try NewToken(name: "x", grants: grants, expirySeconds: 4000, random: NewToken.randomBits())
            let tokens = try StaticTokenFile.parse(new.line)
            let principal = try #require(tokens.principal(for: new.token))
            #expect(principal.identifier == "token:x")
            #expect(principal.grants == grants)
            #expect(principal.expirySeconds == 4000)
        }
    }

    @Test func aLineWithoutGrantsIsShort() throws {
        let new = try NewToken(name: "x", grants: Grants(), expirySeconds: nil, random: bits)
        #expect(new.line.count == "x sha256:".count + 64)
    }

    @Test func onlyItsOwnTokenIsLetIn() throws {
        let new = try NewToken(name: "x", grants: grants, expirySeconds: nil, random: bits)
        let tokens = try StaticTokenFile.parse(new.line)
        for index in new.token.bytes.indices {
            var changed = new.token.bytes
            changed[index] ^= 1
            let found = tokens.principal(for: changed.span)
            #expect(found == nil, "byte \(index)")
        }
        for text in [String(new.token.dropLast()), new.token + "A", "", "pst_", String(new.line.dropFirst(2))] {
            let found = tokens.principal(for: text.bytes.span)
            #expect(found == nil)
        }
    }

    @Test func randomTokensDiffer() throws {
        let tokens = try (0..<100).map { _ in
            try NewToken(name: "x", grants: grants, expirySeconds: nil, random: NewToken.randomBits()).token
        }
        #expect(Set(tokens).count == 100)
        #expect(tokens.allSatisfy { $0.utf8.count == StaticToken.byteCount })
    }

    @Test(arguments: ["", "a b", "a/b", "ä", "a\n", "pst_x", String(repeating: "x", count: 65)])
    func refusesTheName(_ name: String) {
        #expect(throws: NewToken.Failure.name) {
            try NewToken(name: name, grants: grants, expirySeconds: nil, random: bits)
        }
    }

    @Test(arguments: [-1, NumericDate.latest + 1])
    func refusesTheExpiry(_ seconds: Int64) {
        #expect(throws: NewToken.Failure.expiry) {
            try NewToken(name: "x", grants: grants, expirySeconds: seconds, random: bits)
        }
    }

    @Test func itsDescriptionHasNotTheToken() throws {
        let new = try NewToken(name: "x", grants: grants, expirySeconds: nil, random: bits)
        #expect(!"\(new)".contains(new.token))
    }
}
