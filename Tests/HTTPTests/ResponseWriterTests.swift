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

    @Test(arguments: [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (1_795_406_700, "Mon, 23 Nov 2026 04:05:00 GMT"), (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"),
        (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
    ])
    func dates(_ seconds: Int64, _ expected: String) {
        #expect(text { HTTPDate(unixSeconds: seconds).write(to: &$0) } == expected)
    }
}
