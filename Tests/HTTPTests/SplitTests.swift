import Testing

@testable import HTTP

/// The shortest prefix that decides a head decides it for every split of the bytes, whatever stands behind it.
@Suite struct SplitTests {
    private let fixture = HeadFixture()

    /// Limits small enough to try every prefix around them.
    private let tight = HeadFixture {
        $0.targetBytes = 20
        $0.headBytes = 120
        $0.fields = 4
    }

    /// Heads that end at a limit, one byte before it and one behind it, and are wrong in other ways before or after.
    static let edges: [String] = {
        var heads: [String] = []
        for count in 0...24 {
            let run = String(repeating: "x", count: count)
            for tail in [" HTTP/1.1", " HTTP/1.1\0", " HTTP/1.1\r", "#", " HTTP/2.0", "\n"] {
                heads.append("GET /" + run + tail + "\r\nHost: h\r\n\r\n")
                heads.append(String(repeating: "M", count: 45) + run + " /" + run + tail + "\r\nHost: h\r\n\r\n")
            }
            for tail in ["", "\0", "\r", "\n", "\t "] {
                let filled = String(repeating: "y", count: 60) + run
                heads.append("GET / HTTP/1.1\r\nHost: h\r\nA: \(filled)\(tail)\r\n\r\nGET")
                heads.append("\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\nA: \(filled)\r\nB: \(tail)\r\n\r\n")
            }
        }
        return heads
    }()

    @Test func atTheLimits() {
        var verdicts: Set<String> = []
        for text in Self.edges {
            let bytes = Array(text.utf8)
            let whole = tight.parse(bytes)
            let byByte = tight.parse(bytes, pieces: Array(repeating: 1, count: bytes.count))
            #expect(byByte == whole, "\(text.debugDescription)")
            if case .refused(let error) = whole { verdicts.insert("\(error)") }
            for cut in stride(from: 1, to: bytes.count, by: 7) {
                #expect(tight.parse(bytes, pieces: [cut]) == whole, "\(text.debugDescription) at \(cut)")
            }
        }
        // The heads do reach what they are made for.
        #expect(verdicts.isSuperset(of: ["targetTooLong", "headTooLarge", "malformedTarget", "bareLineBreak"]))
    }

    /// A limit is looked at before what stands beyond it.
    @Test func whatIsBeyondALimitDoesNotChangeTheError() {
        let long = String(repeating: "x", count: 9000)
        #expect(fixture.parse("GET /\0" + long + "\n") == .refused(.targetTooLong))
        #expect(fixture.parse("GET / HTTP/1.1\r\nA: \0" + long + long + "\n") == .refused(.headTooLarge))
        #expect(fixture.parse("GET / HTTP/1.1\r\nA: \0" + long + "\n") == .refused(.malformedField))
    }

    @Test func aRequestLineMayBeSoLongAndNoLonger() {
        func parse(_ method: Int) -> Parsed {
            fixture.parse(
                String(repeating: "M", count: method) + " /" + String(repeating: "x", count: 8191)
                    + " HTTP/1.1\r\nHost: h\r\n\r\n")
        }
        // Method, target and version, their two blanks and CR LF are 64 bytes more than a target may be.
        guard case .head(let head) = parse(52) else { return #expect(Bool(false), "the longest line is taken") }
        #expect(head.path.utf8.count == 8192)
        #expect(parse(53) == .refused(.targetTooLong))
    }

    /// No prefix is refused that could still become a good head, and what refuses a prefix refuses the whole.
    @Test(arguments: RequestParserTests.samples)
    func everyTruncationIsIncompleteOrTheSame(_ text: String) {
        let bytes = Array(text.utf8)
        let whole = fixture.parse(bytes)
        for count in 0...bytes.count {
            let part = fixture.parse(Array(bytes[..<count]))
            #expect(part == .incomplete || part == whole, "cut at \(count)")
        }
    }

    @Test func oneByteAtATimeBehindALongHeadIsStillTheSame() {
        let line = "A: " + String(repeating: "x", count: 120) + "\r\n"
        let text = Array(
            ("GET /" + String(repeating: "y", count: 8000) + " HTTP/1.1\r\nHost: h\r\n"
                + String(repeating: line, count: 60) + "\r\n").utf8)
        let whole = fixture.parse(text)
        #expect(fixture.parse(text, pieces: [8000] + Array(repeating: 1, count: text.count - 8000)) == whole)
        #expect(whole != .incomplete)
    }

    @Test func anyBytesInAnyPieces() {
        var random = SeededGenerator()
        let alphabet = Array("GET /?#*:\r\n\r\n\t\0 HTTP/1.10Host: h\u{7F}ä".utf8)
        for _ in 0..<6000 {
            var bytes = Array((RequestParserTests.samples.randomElement(using: &random) ?? "").utf8)
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                let index = Int.random(in: 0...bytes.count, using: &random)
                let byte = alphabet.randomElement(using: &random) ?? 0
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes.insert(byte, at: index)
                case 1 where index < bytes.count: bytes.remove(at: index)
                default: if index < bytes.count { bytes[index] = byte }
                }
            }
            let pieces = (0..<8).map { _ in Int.random(in: 0...20, using: &random) }
            for fixture in [fixture, tight] {
                let whole = fixture.parse(bytes)
                #expect(fixture.parse(bytes, pieces: pieces) == whole, "seed \(random.seed): \(bytes)")
                let byByte = fixture.parse(bytes, pieces: Array(repeating: 1, count: bytes.count))
                #expect(byByte == whole, "seed \(random.seed): \(bytes)")
            }
        }
    }
}
