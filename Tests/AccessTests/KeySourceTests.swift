import Testing

@testable import Access

@Suite struct KeySourceTests {
    @Test(arguments: [
        ("HS256=/a", KeySource.secret(path: "/a")), ("HS256@one=/a", .secret(path: "/a", id: "one")),
        ("RS256=a b=c", .publicKey(.rs256, path: "a b=c")),
        ("ES256@x@y=/a@b", .publicKey(.es256, path: "/a@b", id: "x@y")),
        ("EdDSA=/a", .publicKey(.edDSA, path: "/a")), ("JWKS=/keys.json", .keySet(path: "/keys.json")),
    ])
    func takes(_ text: String, _ source: KeySource) throws { #expect(try KeySource(parsing: text) == source) }

    @Test(arguments: [
        "", "HS256", "=/a", "HS256=", "hs256=/a", "none=/a", "RS512=/a", "HS256@=/a", "JWKS@x=/a", "@x=/a",
    ])
    func refuses(_ text: String) { #expect(throws: AccessError.self) { try KeySource(parsing: text) } }
}
