import Arenas
import CAllocationCount
import Glibc
import Testing

@testable import Access

@Suite struct AuthenticatorTests {
    private let directory = TestDirectory()
    private let now = SignedTokens.now

    private func newToken(_ name: String, expires seconds: Int64? = nil) throws -> NewToken {
        let grants = Grants(publish: patterns("\(name).**"))
        return try NewToken(name: name, grants: grants, expirySeconds: seconds, random: NewToken.randomBits())
    }

    private func configuration() -> AccessConfiguration {
        AccessConfiguration(
            tokensPath: directory.path("tokens"), keys: [.secret(path: directory.path("secret"))])
    }

    private func ask(
        _ authenticator: Authenticator, _ token: String, _ cache: inout TokenCache, now: Int64 = SignedTokens.now
    ) throws -> Authentication {
        let arena = ScopedArena()
        return try authenticator.authenticate(token.bytes.span, cache: &cache, arena: arena, nowSeconds: now)
    }

    private func name(_ authentication: Authentication) -> String {
        switch authentication {
        case .principal(let principal): principal.identifier
        case .refused(let refusal): refusal.rawValue
        }
    }

    @Test func bothKindsOfTokens() throws {
        let token = try newToken("orders")
        directory.write("tokens", token.line)
        directory.write("secret", SignedTokens.secret)
        let authenticator = try Authenticator(configuration())
        #expect(authenticator.staticTokenCount == 1)
        #expect(authenticator.warnings == [])
        var cache = TokenCache()
        let signed = SignedTokens.token(#"{"exp":1900000000,"sub":"alice"}"#)
        // The second time from the cache.
        for _ in 0..<2 {
            #expect(name(try ask(authenticator, token.token, &cache)) == "token:orders")
            #expect(name(try ask(authenticator, signed, &cache)) == "jwt:alice")
        }
        let count = cache.count
        #expect(count == 2)
    }

    @Test(arguments: ["a b", "a,b", "=", "==", "a=b", "\"abc\"", "ä", "a\u{0}", "a.b.c", "pst_", "..", "a. .c"])
    func nothingElseIsAToken(_ text: String) throws {
        directory.write("tokens", try newToken("orders").line)
        directory.write("secret", SignedTokens.secret)
        var cache = TokenCache()
        #expect(name(try ask(try Authenticator(configuration()), text, &cache)) == "malformed")
    }

    @Test func refusalsAreNotKept() throws {
        directory.write("tokens", try newToken("over", expires: 1000).line)
        directory.write("secret", SignedTokens.secret)
        let authenticator = try Authenticator(configuration())
        var cache = TokenCache()
        let unknown = try newToken("x").token
        #expect(name(try ask(authenticator, unknown, &cache)) == "unknown")
        #expect(name(try ask(authenticator, String(unknown.dropLast()), &cache)) == "malformed")
        #expect(name(try ask(authenticator, "pst_." + unknown.dropFirst(5), &cache)) == "malformed")
        #expect(name(try ask(authenticator, "", &cache)) == "malformed")
        #expect(name(try ask(authenticator, "nonsense", &cache)) == "malformed")
        #expect(name(try ask(authenticator, String(repeating: "a", count: 100_000), &cache)) == "malformed")
        #expect(name(try ask(authenticator, SignedTokens.token(#"{"exp":1}"#), &cache)) == "expired")
        let count = cache.count
        #expect(count == 0)
    }

    @Test func aStaticTokenIsOverInTheSecondThatItSays() throws {
        let token = try newToken("x", expires: 1000)
        directory.write("tokens", token.line)
        directory.write("secret", SignedTokens.secret)
        let authenticator = try Authenticator(configuration())
        var cache = TokenCache()
        #expect(name(try ask(authenticator, token.token, &cache, now: 999)) == "token:x")
        // Also where it stands in the cache.
        #expect(name(try ask(authenticator, token.token, &cache, now: 1000)) == "expired")
    }

    @Test func withoutAnyFilesNobodyIsKnown() throws {
        let authenticator = try Authenticator(AccessConfiguration())
        var cache = TokenCache()
        #expect(name(try ask(authenticator, try newToken("x").token, &cache)) == "unknown")
        #expect(name(try ask(authenticator, SignedTokens.token(#"{"exp":1900000000}"#), &cache)) == "unknown")
    }

    @Test func aReloadTakesAndGives() throws {
        let (old, new) = (try newToken("old"), try newToken("new"))
        directory.write("tokens", old.line)
        directory.write("secret", SignedTokens.secret)
        let authenticator = try Authenticator(configuration())
        var cache = TokenCache()
        #expect(name(try ask(authenticator, old.token, &cache)) == "token:old")
        let before = authenticator.generation
        directory.write("tokens", new.line)
        #expect(try authenticator.reload() == [])
        #expect(authenticator.generation != before)
        #expect(name(try ask(authenticator, old.token, &cache)) == "unknown")
        #expect(name(try ask(authenticator, new.token, &cache)) == "token:new")
    }

    @Test func aReloadThatFailsChangesNothing() throws {
        let token = try newToken("x")
        directory.write("tokens", token.line)
        directory.write("secret", SignedTokens.secret)
        let authenticator = try Authenticator(configuration())
        let before = authenticator.generation
        directory.write("tokens", "x\ny")
        directory.write("secret", "short".bytes)
        #expect(
            throws: AccessError([
                directory.path("tokens")
                    + ": line 1: sha256: and the token's SHA-256 in hex are wanted behind the name",
                directory.path("tokens")
                    + ": line 2: sha256: and the token's SHA-256 in hex are wanted behind the name",
                directory.path("secret") + ": a secret of HS256 must have 32 to 4096 bytes",
            ])
        ) { try authenticator.reload() }
        #expect(authenticator.generation == before)
        var cache = TokenCache()
        #expect(name(try ask(authenticator, token.token, &cache)) == "token:x")
    }

    @Test func aStreamAsksWhetherItsTokenIsStillGood() throws {
        let (stays, goes) = (try newToken("stays", expires: 2_000_000_000), try newToken("goes"))
        directory.write("tokens", stays.line + "\n" + goes.line)
        directory.write("secret", SignedTokens.secret)
        let authenticator = try Authenticator(configuration())
        var cache = TokenCache()
        func principal(_ token: String) throws -> Principal? {
            guard case .principal(let principal) = try ask(authenticator, token, &cache) else { return nil }
            return principal
        }
        let staying = try #require(try principal(stays.token))
        let going = try #require(try principal(goes.token))
        let signed = try #require(try principal(SignedTokens.token(#"{"exp":1900000000}"#)))
        let nobody = Principal(identifier: "nobody", grants: Grants())
        directory.write("tokens", stays.line + " admin")
        try authenticator.reload()
        #expect(authenticator.renewed(staying, nowSeconds: now)?.grants.isAdmin == true)
        #expect(authenticator.renewed(staying, nowSeconds: 2_000_000_000) == nil)
        #expect(authenticator.renewed(going, nowSeconds: now) == nil)
        #expect(authenticator.renewed(signed, nowSeconds: now) === signed)
        #expect(authenticator.renewed(signed, nowSeconds: 1_900_000_030) == nil)
        #expect(authenticator.renewed(nobody, nowSeconds: now) === nobody)
        directory.write("secret", "another".bytes + SignedTokens.secret)
        try authenticator.reload()
        #expect(authenticator.renewed(signed, nowSeconds: now) == nil)
    }

    /// Loops ask while the files are read anew: whoever is in all of them is let in all the time, and each change is seen.
    @Test func loopsAskWhileFilesAreReadAnew() async throws {
        let (stays, comesAndGoes) = (try newToken("stays"), try newToken("guest"))
        directory.write("tokens", stays.line)
        directory.write("secret", SignedTokens.secret)
        let authenticator = try Authenticator(configuration())
        let signed = SignedTokens.token(#"{"exp":1900000000,"sub":"alice"}"#)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    var cache = TokenCache(capacity: 16)
                    let last: UInt64 = 31
                    var isGood = true
                    while authenticator.generation < last {
                        let names = [
                            name(try ask(authenticator, stays.token, &cache)),
                            name(try ask(authenticator, signed, &cache)),
                        ]
                        let guest = name(try ask(authenticator, comesAndGoes.token, &cache))
                        if names != ["token:stays", "jwt:alice"] { isGood = false }
                        if guest != "token:guest", guest != "unknown" { isGood = false }
                    }
                    return isGood
                }
            }
            for round in 1...30 {
                directory.replace("tokens", stays.line + (round % 2 == 0 ? "\n" + comesAndGoes.line : ""))
                try authenticator.reload()
            }
            for try await isGood in group { #expect(isGood) }
        }
        var cache = TokenCache()
        #expect(name(try ask(authenticator, comesAndGoes.token, &cache)) == "token:guest")
        #expect(authenticator.generation == 31)
    }

    @Test func whatEverybodyMayWriteIsNotBelieved() throws {
        directory.write("tokens", try newToken("x").line, mode: 0o606)
        directory.write("secret", SignedTokens.secret)
        #expect(
            throws: AccessError([
                directory.path("tokens") + ": everybody may write this file; take that away with chmod o-w"
            ])
        ) { try Authenticator(configuration()) }
    }

    @Test func whatEverybodyMayReadIsSaid() throws {
        directory.write("tokens", try newToken("x").line, mode: 0o644)
        directory.write("secret", SignedTokens.secret, mode: 0o644)
        #expect(
            try Authenticator(configuration()).warnings == [
                directory.path("tokens") + ": everybody may read this file; take that away with chmod o-r",
                directory.path("secret") + ": everybody may read this secret; take that away with chmod o-r",
            ])
    }

    @Test func anErrorReadsAsItsProblems() {
        #expect("\(AccessError(["one", "two"]))" == "one\ntwo")
    }

    @Test func filesThatAreNotThere() {
        #expect(
            throws: AccessError([
                directory.path("tokens") + ": No such file or directory",
                directory.path("secret") + ": No such file or directory",
            ])
        ) { try Authenticator(configuration()) }
        let folder = AccessConfiguration(tokensPath: directory.path(""))
        #expect(throws: AccessError([directory.path("") + ": a regular file is wanted"])) { try Authenticator(folder) }
    }

    @Test(arguments: [-1, 601]) func leewayIsBounded(_ seconds: Int64) {
        let configuration = AccessConfiguration(rules: TokenRules(leewaySeconds: seconds))
        #expect(throws: AccessError(["a leeway of 0 to 600 seconds is wanted"])) { try Authenticator(configuration) }
    }

    @Test func noMemoryIsNoRefusal() throws {
        directory.write("secret", SignedTokens.secret)
        let authenticator = try Authenticator(AccessConfiguration(keys: [.secret(path: directory.path("secret"))]))
        let arena = ScopedArena(limits: ScopedArena.Limits(initialBytes: 64, maximumBytes: 64))
        var cache = TokenCache()
        let token = SignedTokens.token(#"{"exp":1900000000,"x":"\#(String(repeating: "x", count: 500))"}"#).bytes
        #expect(throws: ArenaError.self) {
            try authenticator.authenticate(token.span, cache: &cache, arena: arena, nowSeconds: now)
        }
    }

    /// A known token, and what is asked of its grants, takes nothing from the heap.
    @Test(.enabled(if: postern_counts_allocations(), "a sanitizer brings a heap of its own"))
    func aKnownTokenAllocatesNothing() throws {
        let token = try newToken("orders")
        directory.write("tokens", token.line)
        directory.write("secret", SignedTokens.secret)
        let authenticator = try Authenticator(configuration())
        var cache = TokenCache()
        let arena = ScopedArena()
        let (bytes, topic, selection) = (token.token.bytes, "orders.eu".bytes, "orders.*,orders.eu.**".bytes)
        func rounds(_ count: Int) throws(ArenaError) -> Int {
            var allowed = 0
            for _ in 0..<count {
                let found = try authenticator.authenticate(bytes.span, cache: &cache, arena: arena, nowSeconds: now)
                guard case .principal(let principal) = found else { continue }
                if principal.grants.mayPublish(topic.span) { allowed += 1 }
                if principal.grants.maySubscribe(selection.span) { allowed += 1 }
                if principal.grants.mayList(topic.span) { allowed += 1 }
            }
            return allowed
        }
        #expect(try rounds(10) == 20)
        let before = postern_thread_allocations()
        let allowed = try rounds(10_000)
        let after = postern_thread_allocations()
        #expect(allowed == 20_000)
        #expect(after == before)
    }
}
