import Testing

@testable import HTTP

@Suite struct RequestParserTests {
    private let fixture = HeadFixture()

    private func head(_ text: String) throws -> ParsedHead {
        guard case .head(let head) = fixture.parse(text) else {
            Issue.record("not a head: \(fixture.parse(text))")
            throw HTTPError.malformedRequestLine
        }
        return head
    }

    @Test func takesAHeadApart() throws {
        let text =
            "POST /v1/topics/a%20b/messages?x=1&y=?2 HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\nX-Y:  v w \t\r\n\r\n"
        let head = try head(text + "body")
        #expect(
            head
                == ParsedHead(
                    method: .post, target: .origin, path: "/v1/topics/a%20b/messages", query: "x=1&y=?2",
                    minorVersion: 1,
                    contentLength: 12, isChunked: false, expectsContinue: false, keepsAlive: true,
                    byteCount: text.utf8.count, fields: ["Host=h", "Content-Length=12", "X-Y=v w"]))
    }

    @Test(
        arguments: zip(
            ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PURGE", "get"],
            [Method.get, .head, .post, .put, .delete, .options, .patch, .trace, .other, .other]))
    func methods(_ name: String, _ method: Method) throws {
        #expect(try head("\(name) / HTTP/1.1\r\nHost: h\r\n\r\n").method == method)
        #expect("\(method.name)" == (method == .other ? "OTHER" : name))
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\nHost: h\r\n\r\n", true), ("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", false),
        ("GET / HTTP/1.1\r\nHost: h\r\nConnection: x, Close\r\n\r\n", false),
        ("GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n\r\n", true),
        ("GET / HTTP/1.0\r\n\r\n", false), ("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true),
        ("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false),
        ("GET / HTTP/1.1\r\nHost: h\r\nConnection: a\r\nConnection: close\r\n\r\n", false),
    ])
    func keepAlive(_ text: String, _ expected: Bool) throws { #expect(try head(text).keepsAlive == expected) }

    @Test(
        arguments: [
            ("GET http://example.org/a?b HTTP/1.1", RequestHead.TargetForm.absolute, "/a", "b"),
            ("GET http://example.org HTTP/1.1", .absolute, "", nil), ("GET HTTPS://h:1/ HTTP/1.1", .absolute, "/", nil),
            ("GET http://h?q HTTP/1.1", .absolute, "", "q"), ("OPTIONS * HTTP/1.1", .asterisk, "*", nil),
            ("CONNECT h:443 HTTP/1.1", .authority, "h:443", nil),
            ("CONNECT [fe80::1]:443 HTTP/1.1", .authority, "[fe80::1]:443", nil),
            ("OPTIONS /a HTTP/1.1", .origin, "/a", nil),
            ("GET //a?x=1&y=/?z HTTP/1.1", .origin, "//a", "x=1&y=/?z"),
            ("GET https://[::1]:8080?b HTTP/1.1", .absolute, "", "b"), ("GET /? HTTP/1.1", .origin, "/", ""),
        ] as [(String, RequestHead.TargetForm, String, String?)])
    func targets(_ line: String, _ form: RequestHead.TargetForm, _ path: String, _ query: String?) throws {
        let head = try head(line + "\r\nHost: h\r\n\r\n")
        #expect(head.target == form && head.path == path && head.query == query)
    }

    @Test func aFewEmptyLinesBeforeARequestArePassedOver() throws {
        let head = try head("\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n")
        #expect(head.method == .get && head.byteCount == 4 + 27)
        #expect(fixture.parse(String(repeating: "\r\n", count: 5)) == .refused(.malformedRequestLine))
    }

    @Test func expectation() throws {
        #expect(try head("PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\n\r\n").expectsContinue)
        #expect(try !head("PUT / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n").expectsContinue)
    }

    /// The body's limit refuses it, whatever its number of digits.
    @Test(arguments: [
        "576460752303423488", "999999999999999999", "9999999999999999999", String(repeating: "9", count: 99),
    ])
    func aLengthBeyondAnyBodyIsTakenForTheLargest(_ length: String) throws {
        #expect(try head("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: \(length)\r\n\r\n").contentLength == 1 << 59)
    }

    @Test(arguments: [
        ("0", 0), ("007", 7), ("576460752303423487", (1 << 59) - 1), (String(repeating: "0", count: 40) + "1", 1),
    ])
    func lengths(_ length: String, _ expected: Int) throws {
        #expect(try head("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: \(length)\r\n\r\n").contentLength == expected)
    }

    @Test func onlyTheFirstOfPipelinedRequestsIsTaken() throws {
        let one = "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n"
        #expect(try head(one + "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n").byteCount == one.utf8.count)
    }

    @Test func fieldsAreFoundByNameWhateverTheirCase() {
        let text = "GET / HTTP/1.1\r\nHost: h\r\nIDEMPOTENCY-KEY: a\r\nidempotency-key: b\r\n\r\n"
        #expect(fixture.value(named: "idempotency-key", in: text) == "a")
        #expect(fixture.value(named: "absent", in: text) == nil)
    }

    /// Each is refused, and would be believed by a server less strict.
    @Test(arguments: [
        (
            "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            HTTPError.conflictingLength
        ),
        ("GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", .conflictingLength),
        ("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", .repeatedContentLength),
        ("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", .repeatedContentLength),
        ("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 1\r\n\r\n", .malformedContentLength),
        ("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\n", .malformedContentLength),
        ("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", .malformedContentLength),
        ("GET / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n", .malformedContentLength),
        ("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x10\r\n\r\n", .malformedContentLength),
        ("GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", .unknownTransferEncoding),
        ("GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", .unknownTransferEncoding),
        ("GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n", .unknownTransferEncoding),
        (
            "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            .repeatedTransferEncoding
        ),
        ("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", .transferEncodingBefore11),
        ("GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n", .foldedField),
        ("GET / HTTP/1.1\r\n Host: h\r\n\r\n", .foldedField),
        ("GET / HTTP/1.1\r\nHost : h\r\n\r\n", .malformedField),
        ("GET / HTTP/1.1\r\nHost\t: h\r\n\r\n", .malformedField),
        ("GET / HTTP/1.1\r\n: h\r\n\r\n", .malformedField), ("GET / HTTP/1.1\r\nHost\r\n\r\n", .malformedField),
        ("GET / HTTP/1.1\r\nHost: h\r\nA: b\0c\r\n\r\n", .malformedField),
        ("GET / HTTP/1.1\r\nA\u{7f}: b\r\n\r\n", .malformedField),
        ("GET / HTTP/1.1\nHost: h\n\n", .bareLineBreak), ("GET / HTTP/1.1\r\nHost: h\nA: b\r\n\r\n", .bareLineBreak),
        ("GET / HTTP/1.1\r\nHost: h\rA: b\r\n\r\n", .bareLineBreak),
        ("GET / HTTP/1.1\r\nHost: h\r\r\n\r\n", .bareLineBreak),
        ("GET / HTTP/1.1\r\n\r\n", .missingHost), ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", .repeatedHost),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", .malformedHost),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", .malformedHost),
        ("GET / HTTP/1.1\r\nHost: u@h\r\n\r\n", .malformedHost), ("GET / HTTP/1.1\r\nHost:\r\n\r\n", .malformedHost),
        ("GET / HTTP/1.1\r\nHost: h:x\r\n\r\n", .malformedHost),
        ("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", .malformedHost),
        ("GET  / HTTP/1.1\r\nHost: h\r\n\r\n", .malformedRequestLine),
        ("GET / HTTP/1.1 \r\nHost: h\r\n\r\n", .malformedRequestLine),
        ("GET /\r\nHost: h\r\n\r\n", .malformedRequestLine),
        ("GET / http/1.1\r\nHost: h\r\n\r\n", .malformedRequestLine),
        ("G@T / HTTP/1.1\r\nHost: h\r\n\r\n", .malformedRequestLine),
        ("GET / HTTP/1.1x\r\nHost: h\r\n\r\n", .malformedRequestLine),
        ("GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", .malformedTarget),
        ("GET /ä HTTP/1.1\r\nHost: h\r\n\r\n", .malformedTarget),
        ("GET * HTTP/1.1\r\nHost: h\r\n\r\n", .malformedTarget),
        ("GET a/b HTTP/1.1\r\nHost: h\r\n\r\n", .malformedTarget),
        ("GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n", .malformedTarget),
        ("GET http:/// HTTP/1.1\r\nHost: h\r\n\r\n", .malformedTarget),
        ("GET / HTTP/2.0\r\nHost: h\r\n\r\n", .unsupportedVersion), ("PRI * HTTP/2.0\r\n\r\n", .unsupportedVersion),
        ("GET / HTTP/1.1\r\nHost: h\r\nExpect: more\r\n\r\n", .unknownExpectation),
        ("\u{16}\u{3}\u{1}", .malformedRequestLine),
    ])
    func refuses(_ text: String, _ error: HTTPError) { #expect(fixture.parse(text) == .refused(error)) }

    @Test(arguments: [
        "GET ?a", "GET http://", "GET https://", "GET http://:80/", "GET http://u@h/", "GET http://h:x/",
        "GET http://h:65536/", "GET /a?b#c", "GET http://h#c", "GET /a\tb", "CONNECT /", "CONNECT h", "CONNECT h:",
        "CONNECT h:0", "CONNECT h:1?a", "OPTIONS **", "GET /\u{80}",
    ])
    func refusesTarget(_ line: String) {
        #expect(fixture.parse(line + " HTTP/1.1\r\nHost: h\r\n\r\n") == .refused(.malformedTarget))
    }

    @Test(arguments: [
        "[]", "[:]", "[::g]", "[::1]x", "[::1]:x", "h:65536", "h:123456", ":80", "a,b c", "h:1:2", "\u{E4}",
    ])
    func refusesHost(_ host: String) {
        #expect(fixture.parse("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n") == .refused(.malformedHost))
    }

    /// The request line needs no second byte to be hopeless.
    @Test(arguments: ["\n", "\u{16}", " ", "\0", "\rX", "\r\n\n"])
    func refusesAtOnce(_ start: String) { #expect(fixture.parse(start) == .refused(.malformedRequestLine)) }

    /// 400 before anything else is looked at: an absolute target names a host, and still a Host is due.
    @Test func anAbsoluteTargetDoesNotStandForAHost() {
        #expect(fixture.parse("GET http://h/ HTTP/1.1\r\n\r\n") == .refused(.missingHost))
    }

    @Test func valuesAreFreeOfBlanksAroundThemAndMayHoldAnyText() throws {
        let head = try head(
            "GET / HTTP/1.1\r\nHost: h\r\nA:\r\nB: \t \r\nC:x\r\nD: a\tb: \u{E4} \r\n!#$%&'*+-.^_`|~9: v\r\n\r\n")
        #expect(head.fields == ["Host=h", "A=", "B=", "C=x", "D=a\tb: \u{E4}", "!#$%&'*+-.^_`|~9=v"])
    }

    @Test func aFieldThatIsThereTwiceIsSeen() {
        let text = "GET / HTTP/1.1\r\nHost: h\r\nTTL: 1\r\nttl: 2\r\nTTLS: 3\r\n\r\n"
        #expect(fixture.isRepeated("ttl", in: text) == true)
        #expect(fixture.isRepeated("ttls", in: text) == false && fixture.isRepeated("absent", in: text) == nil)
    }

    @Test func namesOfAnyLengthAreFound() {
        #expect(fixture.value(named: "n", in: "GET / HTTP/1.1\r\nHost: h\r\nN: v\r\n\r\n") == "v")
        let long: StaticString = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"
        #expect(fixture.value(named: long, in: "GET / HTTP/1.1\r\nHost: h\r\n\(long): v\r\n\r\n") == "v")
        #expect(fixture.value(named: long, in: "GET / HTTP/1.1\r\nHost: h\r\n\(long)n: v\r\n\r\n") == nil)
    }

    @Test(arguments: [
        ("", false), ("Content-Length: 0\r\n", false), ("Content-Length: 1\r\n", true),
        ("Transfer-Encoding: Chunked\r\n", true),
    ])
    func aBodyIsWhereTheHeadSaysSo(_ fields: String, _ expected: Bool) throws {
        var parser = RequestParser()
        var position = ScanPosition()
        let bytes = Array("PUT / HTTP/1.1\r\nHost: h\r\n\(fields)\r\n".utf8)
        guard case .head(let head) = try parser.parse(bytes.span, resume: &position) else {
            return #expect(Bool(false), "a whole head")
        }
        #expect(head.hasBody == expected && head.keepsAlive && !head.closing.keepsAlive)
        var closing = head.closing
        closing.keepsAlive = true
        #expect(closing == head)
    }

    @Test(arguments: ["h", "h:80", "127.0.0.1:8080", "[::1]:80", "a-b.c_d", "h:"])
    func hosts(_ host: String) throws {
        #expect(try head("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n").fields == ["Host=\(host)"])
    }

    @Test func higherMinorVersionsAreSpokenToAs11() throws {
        #expect(try head("GET / HTTP/1.9\r\nHost: h\r\n\r\n").minorVersion == 1)
    }

    // MARK: Limits at their edge

    @Test func theTargetLimit() {
        func line(_ count: Int) -> String {
            "GET /" + String(repeating: "x", count: count - 1) + " HTTP/1.1\r\nHost: h\r\n\r\n"
        }
        #expect(fixture.parse(line(8192)) != .refused(.targetTooLong))
        #expect(fixture.parse(line(8193)) == .refused(.targetTooLong))
        #expect(fixture.parse("GET /" + String(repeating: "x", count: 9000)) == .refused(.targetTooLong))
    }

    @Test func theHeadLimit() {
        func text(_ count: Int) -> String {
            let frame = "GET / HTTP/1.1\r\nHost: h\r\nA: \r\n\r\n"
            return frame.replacing("A: ", with: "A: " + String(repeating: "x", count: count - frame.utf8.count))
        }
        #expect(text(16384).utf8.count == 16384)
        guard case .head = fixture.parse(text(16384)) else { return #expect(Bool(false), "exactly the limit is taken") }
        #expect(fixture.parse(text(16385)) == .refused(.headTooLarge))
        #expect(fixture.parse(String(text(20000).dropLast(4))) == .refused(.headTooLarge))
    }

    @Test func theFieldLimit() {
        func text(_ count: Int) -> String {
            "GET / HTTP/1.1\r\nHost: h\r\n" + String(repeating: "A: b\r\n", count: count - 1) + "\r\n"
        }
        guard case .head(let head) = fixture.parse(text(100)) else { return #expect(Bool(false), "100 are taken") }
        #expect(head.fields.count == 100)
        #expect(fixture.parse(text(101)) == .refused(.tooManyFields))
    }

    // MARK: However the bytes are split

    static let samples = [
        "POST /v1/topics/a/messages?wait=30s HTTP/1.1\r\nHost: localhost:8080\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
        "\r\nGET http://h/x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\nA: b\r\n\r\n", "GET / HTTP/1.1\r\nA: \0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\rx\r\n\r\n",
        "GET /a#b HTTP/1.1\r\n\r\n", "GET / HTTP/3.0\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "x y z\r\n",
        "\rX", "\r\n\u{16}", "\r\n\r\n\r\n\r\n\r\n",
    ]

    @Test(arguments: samples)
    func anySplitGivesTheSame(_ text: String) {
        let whole = fixture.parse(text)
        for first in 0...text.utf8.count {
            #expect(fixture.parse(text, pieces: [first]) == whole, "split at \(first)")
        }
        #expect(fixture.parse(text, pieces: Array(repeating: 1, count: text.utf8.count)) == whole, "byte by byte")
    }

    @Test func randomSplitsOfMutatedHeadsGiveTheSame() {
        var random = SeededGenerator()
        for _ in 0..<4000 {
            var text = Array((Self.samples.randomElement(using: &random) ?? "").utf8)
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                let index = Int.random(in: 0..<text.count, using: &random)
                text[index] = [0, 9, 10, 13, 32, 58, 65, 127, 200].randomElement(using: &random) ?? 0
            }
            let pieces = (0..<6).map { _ in Int.random(in: 0...30, using: &random) }
            #expect(fixture.parse(text, pieces: pieces) == fixture.parse(text), "seed \(random.seed): \(text)")
        }
    }

    @Test func aTruncatedHeadIsIncomplete() {
        let text = Array(Self.samples[0].utf8)
        for count in 0..<text.count { #expect(fixture.parse(Array(text[..<count])) == .incomplete, "cut at \(count)") }
    }

    @Test func everyErrorHasAStatusACodeAndAnExplanation() {
        for error in HTTPError.allCases {
            #expect([400, 413, 414, 417, 431, 501, 505].contains(error.status))
            #expect(error.code.utf8CodeUnitCount > 5 && error.explanation.utf8CodeUnitCount > 20)
        }
    }
}
