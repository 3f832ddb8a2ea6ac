import Arenas
import Testing

@testable import HTTP

@Suite struct ResponseWriterTests {
    private func text(_ body: (inout OutputBuffer) -> Void) -> String {
        var output = OutputBuffer(capacity: 16)
        body(&output)
        var bytes: [UInt8] = []
        for index in output.span.indices { bytes.append(output.span[index]) }
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func aWholeResponse() {
        let written = text { output in
            ResponseWriter.begin(201, to: &output)
            ResponseWriter.field("A", "b", to: &output)
            ResponseWriter.field("N", -12, to: &output)
            let body = ResponseWriter.beginBody(to: &output)
            output.append("hello")
            ResponseWriter.endBody(body, to: &output)
        }
        #expect(written == "HTTP/1.1 201 Created\r\nA: b\r\nN: -12\r\nContent-Length:           5\r\n\r\nhello")
    }

    @Test func theLengthIsToldButNothingIsSentForHead() {
        let written = text { output in
            ResponseWriter.begin(200, to: &output)
            let body = ResponseWriter.beginBody(to: &output)
            for _ in 0..<12_345 { output.append(UInt8(ascii: "x")) }
            ResponseWriter.endBody(body, isOmitted: true, to: &output)
        }
        #expect(written == "HTTP/1.1 200 OK\r\nContent-Length:       12345\r\n\r\n")
    }

    @Test func everyStatusWeSendHasItsName() {
        for code in [204, 400, 404, 405, 406, 408, 410, 413, 414, 415, 417, 431, 501, 503, 505] {
            let line = text { ResponseWriter.begin(code, to: &$0) }
            #expect(line.hasPrefix("HTTP/1.1 \(code) ") && !line.contains("Internal"))
        }
    }

    /// An independent parser reads what was written.
    @Test(arguments: [200, 201, 204, 400, 405, 410, 431, 503, 507], [0, 1, 9, 10, 4096, 100_000])
    func httpParserReadsItBack(_ status: Int, _ length: Int) {
        let body = String(repeating: "b", count: status == 204 ? 0 : length)
        let written = text { output in
            ResponseWriter.begin(status, to: &output)
            ResponseWriter.field("Retry-After", length, to: &output)
            ResponseWriter.field("Allow", "GET, HEAD", to: &output)
            ResponseWriter.field("Cursor", Array("c-1".utf8).span, to: &output)
            guard status != 204 else { return ResponseWriter.endWithoutBody(to: &output) }
            let mark = ResponseWriter.beginBody(to: &output)
            for byte in body.utf8 { output.append(byte) }
            ResponseWriter.endBody(mark, to: &output)
        }
        let told = status == 204 ? "" : "\nfield Content-Length=\(length)"
        #expect(
            Reference.response(Array(written.utf8))
                == "status \(status)\nfield Retry-After=\(length)\nfield Allow=GET, HEAD\nfield Cursor=c-1\(told)\nbody \(body)"
        )
    }

    @Test func anUnknownStatusIsAnErrorOfOurs() {
        #expect(text { ResponseWriter.begin(599, to: &$0) } == "HTTP/1.1 599 Internal Server Error\r\n")
        #expect("\(Status.reason(100))" == "Continue")
        #expect("\(ResponseWriter.continueResponse)" == "HTTP/1.1 100 Continue\r\n\r\n")
    }

    /// The C library writes the same, for any second of four-digit years.
    @Test func datesAgreeWithTheCLibrary() {
        var random = SeededGenerator()
        for _ in 0..<3000 {
            let seconds = Int64.random(in: -62_135_596_800..<253_402_300_800, using: &random)
            let date = HTTPDate(unixSeconds: seconds)
            #expect(date.unixSeconds == seconds)
            #expect(text { date.write(to: &$0) } == Reference.date(seconds), "seed \(random.seed): \(seconds)")
        }
    }

    @Test(arguments: [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (1_795_406_700, "Mon, 23 Nov 2026 04:05:00 GMT"), (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"),
        (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
    ])
    func dates(_ seconds: Int64, _ expected: String) {
        #expect(text { HTTPDate(unixSeconds: seconds).write(to: &$0) } == expected)
    }
}
