import Testing

@testable import Access

@Suite struct Base64URLTests {
    /// RFC 4648, section 10, without padding; and RFC 7515, appendix C.
    @Test(arguments: [
        ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"),
        ("foobar", "Zm9vYmFy"),
    ])
    func published(_ plain: String, _ text: String) {
        #expect(Base64URL.encode(plain.bytes) == text)
        #expect(Base64URL.decode(text) == plain.bytes)
    }

    @Test func usesTheAlphabetOfURLs() {
        #expect(Base64URL.encode([3, 236, 255, 224, 193]) == "A-z_4ME")
        #expect(Base64URL.decode("A-z_4ME") == [3, 236, 255, 224, 193])
    }

    @Test(arguments: ["Zg==", "Zm8=", "Z", "Zm9vY", "Zm9v\n", " Zm9v", "Zm+v", "Zm/v", "Zm9vYg=", "Zm9é", "Zm.v"])
    func refuses(_ text: String) { #expect(Base64URL.decode(text) == nil) }

    /// Otherwise one signature had several texts.
    @Test(arguments: ["Zh", "Zn", "Zm9", "Zm-"])
    func refusesBitsThatStandForNothing(_ text: String) { #expect(Base64URL.decode(text) == nil) }

    @Test func whatIsEncodedIsDecoded() {
        var random = SeededGenerator()
        for count in 0..<200 {
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            #expect(Base64URL.decode(Base64URL.encode(bytes)) == bytes, "seed \(random.seed)")
        }
    }
}
