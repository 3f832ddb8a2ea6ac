import Testing

@testable import PosternClient

@Suite struct ServerAddressTests {
    @Test(arguments: [
        ("http://h:1", "http://h:1"), ("https://h", "https://h"), ("h:1", "http://h:1"), ("http://h:1//", "http://h:1"),
        ("https://h/base/", "https://h/base"), ("[::1]:8080", "http://[::1]:8080"),
    ])
    func aServerIsAURLOrAHostAndPort(text: String, url: String) { #expect(ServerAddress(text)?.url == url) }

    @Test(arguments: ["", "http://", "https:///x", "ftp://h", "http://a b", "http://h\n", "http://:80", "file:///etc"])
    func nothingElseIs(text: String) { #expect(ServerAddress(text) == nil) }

    @Test func pathsAndQueriesAreEncoded() {
        #expect(ServerAddress.messagesPath("a.*,b.**") == "/v1/topics/a.*,b.**/messages")
        #expect(ServerAddress.messagesPath("a/../b?x#y z") == "/v1/topics/a%2F..%2Fb%3Fx%23y%20z/messages")
        #expect(ServerAddress.query([("a", "1&2"), ("b", nil), ("c", "é")]) == "?a=1%262&c=%C3%A9")
        #expect(ServerAddress.query([("a", nil)]) == "")
    }

    @Test func anEnvelopeGetsAnIdWhereItHasNone() throws {
        let given = Array(#"{"topic":"t","data":1,"id":"mine"}"#.utf8)
        #expect(Envelope.keyed(given) == given)
        let keyed = try #require(Envelope.keyed(Array(#"{"topic":"t","data":1}"#.utf8)))
        #expect(String(decoding: keyed, as: UTF8.self).hasPrefix(#"{"topic":"t","data":1,"id":"cli-"#))
        #expect(Envelope.keyed(Array("[1]".utf8)) == nil && Envelope.keyed(Array("x".utf8)) == nil)
    }
}
