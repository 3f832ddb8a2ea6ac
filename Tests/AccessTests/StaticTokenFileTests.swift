import Testing

@testable import Access

@Suite struct StaticTokenFileTests {
    private static let hash = String(repeating: "ab", count: 32)
    private static let otherHash = String(repeating: "cd", count: 32)

    private func problems(_ text: String) -> [String] {
        do throws(AccessError) {
            _ = try StaticTokenFile.parse(text)
            return []
        } catch {
            return error.problems
        }
    }

    private func only(_ text: String) throws -> Principal {
        let tokens = try StaticTokenFile.parse(text)
        #expect(tokens.count == 1)
        return try #require(tokens.principal(for: digest))
    }

    private var digest: Digest {
        var digest = Digest()
        for index in 0..<32 { digest.bytes[index] = 0xAB }
        return digest
    }

    @Test func aFullLine() throws {
        let principal = try only(
            "orders sha256:\(Self.hash) publish=orders.**,audit subscribe=orders.* admin expires=2027-01-31T01:00:00+01:00"
        )
        #expect(principal.identifier == "token:orders")
        #expect(
            principal.grants
                == Grants(publish: patterns("orders.**,audit"), subscribe: patterns("orders.*"), isAdmin: true))
        #expect(principal.expirySeconds == 1_801_353_600)
    }

    @Test func aShortLineGrantsNothingForEver() throws {
        let principal = try only("x sha256:\(Self.hash)")
        #expect(principal.grants == Grants())
        #expect(principal.expirySeconds == nil)
    }

    @Test func commentsEmptyLinesAndSpacesCountForNothing() throws {
        let principal = try only(
            "# tokens\r\n\r\n \t \n\t x \t sha256:\(Self.hash.uppercased())  admin # all of it\r\n#end")
        #expect(principal.grants == Grants(isAdmin: true))
    }

    @Test(arguments: ["", "\n", "# nothing"])
    func aFileMayBeEmpty(_ text: String) throws { #expect(try StaticTokenFile.parse(text).count == 0) }

    @Test(arguments: [
        ("x", "sha256: and the token's SHA-256 in hex are wanted behind the name"),
        ("x sha256:abc", "sha256: and 64 hex digits are wanted behind the name"),
        ("x sha256:\(hash)0", "sha256: and 64 hex digits are wanted behind the name"),
        ("x sha256:g\(hash.dropFirst())", "sha256: and 64 hex digits are wanted behind the name"),
        ("x \(hash)", "sha256: and 64 hex digits are wanted behind the name"),
        ("x sha256:\(hash) pub=a", "publish=, subscribe=, admin or expires= is wanted"),
        ("x sha256:\(hash) administrator", "publish=, subscribe=, admin or expires= is wanted"),
        ("x sha256:\(hash) publish=", "publish= pattern 1, byte 0: a topic has at least one token"),
        ("x sha256:\(hash) publish=a,**.b", "publish= pattern 2, byte 0: ** may only be the last token"),
        ("x sha256:\(hash) subscribe=a*", "subscribe= pattern 1, byte 1: a wildcard stands for a whole token: * or **"),
        ("x sha256:\(hash) publish=a publish=b", "publish= is there twice"),
        ("x sha256:\(hash) admin admin", "admin is there twice"),
        ("x sha256:\(hash) expires=30d", "expires= wants a time as in RFC 3339, such as 2027-01-31T00:00:00Z"),
        ("a/b sha256:\(hash)", "a name of 1 to 64 letters, digits, '.', '-' and '_' is wanted first"),
        (
            "\(String(repeating: "x", count: 65)) sha256:\(hash)",
            "a name of 1 to 64 letters, digits, '.', '-' and '_' is wanted first"
        ),
    ])
    func says(_ line: String, _ problem: String) { #expect(problems("\n" + line) == ["line 2: " + problem]) }

    @Test func allProblemsAreToldAtOnce() {
        let text = """
            a sha256:\(Self.hash) publish=
            b sha256:12 admni
            a sha256:\(Self.hash)
            """
        #expect(
            problems(text) == [
                "line 1: publish= pattern 1, byte 0: a topic has at least one token",
                "line 2: sha256: and 64 hex digits are wanted behind the name",
                "line 2: publish=, subscribe=, admin or expires= is wanted",
                "line 3: line 1 has the same name",
                "line 3: line 1 has the same token",
            ])
    }

    @Test func theListOfProblemsEnds() {
        let told = problems(String(repeating: "x\n", count: 1000))
        #expect(told.count == Problems.maximumCount + 1)
        #expect(told.last?.hasSuffix("problems more") == true)
    }

    /// Whatever was pasted into the wrong place: it is not shown.
    @Test func noProblemShowsWhatStandsInTheFile() {
        let secret = "pst_" + String(repeating: "Q", count: 43)
        for text in [
            secret, "\(secret) sha256:\(Self.hash)", "x \(secret)", "x sha256:\(secret)",
            "x sha256:\(Self.hash) \(secret)",
            "x sha256:\(Self.hash) publish=\(secret)*", "x sha256:\(Self.hash) expires=\(secret)",
        ] {
            let told = problems(text)
            #expect(!told.isEmpty)
            for problem in told { #expect(!problem.contains("QQQ"), "\(problem)") }
        }
    }

    @Test func linesAndFilesAreBounded() {
        let long = "x sha256:\(Self.hash) " + String(repeating: " ", count: StaticTokenFile.maximumLineBytes)
        #expect(problems(long) == ["line 1: a line has at most 16384 bytes"])
    }

    @Test func tokensAreBounded() throws {
        func lines(_ count: Int) -> [UInt8] {
            (10..<10 + count).map { "t\($0) sha256:\(String(repeating: "0", count: 62))\($0)" }.joined(separator: "\n")
                .bytes
        }
        let (most, more) = (lines(20), lines(21))
        #expect(try StaticTokenFile.parse(most.span, maximumCount: 20).count == 20)
        #expect(throws: AccessError(["line 21: at most 20 tokens are taken"])) {
            try StaticTokenFile.parse(more.span, maximumCount: 20)
        }
        #expect(StaticTokens.maximumCount == 100_000)
    }

    @Test func eachOfManyTokensIsFound() throws {
        let tokens = try (0..<500).map { number in
            try NewToken(name: "t\(number)", grants: Grants(), expirySeconds: nil, random: NewToken.randomBits())
        }
        let table = try StaticTokenFile.parse(tokens.map(\.line).joined(separator: "\n"))
        for (number, token) in tokens.enumerated() {
            #expect(table.principal(for: token.token)?.identifier == "token:t\(number)")
        }
    }
}
