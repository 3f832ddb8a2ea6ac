import Testing

@testable import HTTP

/// Valid generated requests, taken apart by us and by Debian's http_parser: both must say the same.
@Suite struct DifferentialTests {
    private let fixture = HeadFixture()

    @Test func agreesWithHTTPParserOnValidRequests() {
        var random = SeededGenerator()
        for _ in 0..<5000 {
            let request = Self.request(&random)
            let reference = Reference.request(Array(request.utf8))
            #expect(ours(request) == reference, "seed \(random.seed): \(request)")
            if ours(request) != reference { return }
        }
    }

    private func ours(_ request: String) -> String? {
        guard case .head(let head) = fixture.parse(request) else { return nil }
        let bytes = Array(request.utf8)
        let method = String(request.prefix { $0 != " " })
        let url = request.dropFirst(method.count + 1).prefix { $0 != " " }
        var body = Array(bytes[head.byteCount...])
        if head.isChunked {
            guard let decoded = Self.dechunk(body) else { return nil }
            body = decoded
        } else {
            body = Array(body.prefix(head.contentLength ?? 0))
        }
        let fields = head.fields.map { "\nfield " + $0 }.joined()
        return "url \(url)\(fields)\nmethod \(method)\nkeep \(head.keepsAlive ? 1 : 0)\nbody "
            + String(decoding: body, as: UTF8.self)
    }

    private static func dechunk(_ bytes: [UInt8]) -> [UInt8]? {
        var decoder = ChunkedDecoder()
        var body: [UInt8] = []
        var offset = 0
        while true {
            guard let step = try? decoder.decode(bytes.span, from: offset) else { return nil }
            switch step {
            case .data(let range):
                body += bytes[range]
                offset = range.upperBound
            case .needsMore: return nil
            case .end: return body
            }
        }
    }

    private static func request(_ random: inout SeededGenerator) -> String {
        func pick(_ choices: [String]) -> String { choices.randomElement(using: &random) ?? "" }
        func text(_ alphabet: String, _ range: ClosedRange<Int>) -> String {
            String(
                (0..<Int.random(in: range, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? "a" })
        }
        let version = pick(["HTTP/1.1", "HTTP/1.1", "HTTP/1.0"])
        let method = pick(["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
        var target = "/" + text("abcXYZ019-_.~%2F/!$'()*+,;:@", 0...40)
        if Bool.random(using: &random) { target += "?" + text("abc=&19-_.~!$'()*+,;:@/?", 0...40) }
        var lines = [
            "\(method) \(target) \(version)", "Host: " + pick(["localhost", "h:80", "[::1]:8080", "example.org"]),
        ]
        for _ in 0..<Int.random(in: 0...8, using: &random) {
            lines.append(
                "X-" + text("abcDEF019-_", 1...12) + ":" + pick(["", " ", "\t "])
                    + text("abc 019,;=\"()/é", 0...30).trimmingBlanks)
        }
        if Int.random(in: 0..<4, using: &random) == 0 {
            lines.append("Connection: " + pick(["close", "keep-alive", "Keep-Alive"]))
        }
        var body = ""
        switch Int.random(in: 0..<3, using: &random) {
        case 0:
            body = text("abc019 \n", 0...60)
            lines.append("Content-Length: \(body.utf8.count)")
        case 1 where version == "HTTP/1.1":
            lines.append("Transfer-Encoding: chunked")
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                let chunk = text("abc019", 1...30)
                body +=
                    String(chunk.utf8.count, radix: 16, uppercase: Bool.random(using: &random)) + "\r\n" + chunk
                    + "\r\n"
            }
            body += "0\r\n\r\n"
        default: break
        }
        return lines.joined(separator: "\r\n") + "\r\n\r\n" + body
    }
}

extension String {
    fileprivate var trimmingBlanks: String {
        var text = self[...]
        while text.first == " " { text = text.dropFirst() }
        while text.last == " " { text = text.dropLast() }
        return String(text)
    }
}
