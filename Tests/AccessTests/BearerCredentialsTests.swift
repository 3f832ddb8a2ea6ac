import Testing

@testable import Access

@Suite struct BearerCredentialsTests {
    private func token(_ value: String) throws(BearerCredentials.Failure) -> String {
        let bytes = value.bytes
        let token = try BearerCredentials.token(in: bytes.span)
        var text: [UInt8] = []
        for index in token.indices { text.append(token[index]) }
        return String(decoding: text, as: UTF8.self)
    }

    @Test(arguments: [
        ("Bearer abc", "abc"), ("bearer abc", "abc"), ("BEARER abc", "abc"), ("Bearer    abc", "abc"),
        ("Bearer a-b._~+/9==", "a-b._~+/9=="), ("Bearer x", "x"), ("Bearer a b", "a b"), ("Bearer ä", "ä"),
    ])
    func takes(_ value: String, _ expected: String) throws { #expect(try token(value) == expected) }

    @Test(arguments: ["Basic YTpi", "Digest a=b", "", "Bear", "Bearerish abc", "abc", "\u{1}earer abc"])
    func otherSchemes(_ value: String) {
        #expect(throws: BearerCredentials.Failure.otherScheme) { try token(value) }
    }

    @Test(arguments: ["Bearer", "Bearer ", "Bearer   ", "Bearer\tabc", "Bearer: abc"])
    func malformed(_ value: String) {
        #expect(throws: BearerCredentials.Failure.malformed) { try token(value) }
    }
}
