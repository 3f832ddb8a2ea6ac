import Testing

@testable import HTTP

@Suite struct ChunkedDecoderTests {
    enum Outcome: Equatable {
        case body(String, rest: String)
        case incomplete
        case refused(HTTPError)
    }

    /// Decodes a body that arrives in pieces of the given sizes.
    private func decode(_ text: [UInt8], pieces: [Int] = []) -> Outcome {
        var decoder = ChunkedDecoder()
        var body: [UInt8] = []
        var start = 0
        for piece in pieces + [text.count] {
            let bytes = Array(text[start..<min(text.count, start + piece)])
            start += bytes.count
            var offset = 0
            reading: while true {
                do throws(HTTPError) {
                    switch try decoder.decode(bytes.span, from: offset) {
                    case .data(let range):
                        body += bytes[range]
                        offset = range.upperBound
                    case .needsMore: break reading
                    case .end(let consumed):
                        let rest = Array(bytes[consumed...]) + text[start...]
                        return .body(String(decoding: body, as: UTF8.self), rest: String(decoding: rest, as: UTF8.self))
                    }
                } catch {
                    return .refused(error)
                }
            }
        }
        return .incomplete
    }

    private func decode(_ text: String) -> Outcome { decode(Array(text.utf8)) }

    @Test(arguments: [
        ("5\r\nhello\r\n0\r\n\r\n", "hello", ""), ("0\r\n\r\nGET", "", "GET"),
        ("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\nx", "abcde", "x"),
        ("A\r\n0123456789\r\n0\r\n\r\n", "0123456789", ""),
        ("a;n=v;m=\"q\"\r\n0123456789\r\n0\r\n\r\n", "0123456789", ""),
        ("1 ;x\r\na\r\n0\r\n\r\n", "a", ""), ("1\r\na\r\n0\r\nTrailer: v\r\nX:\r\n\r\n", "a", ""),
        ("0001\r\na\r\n000\r\n\r\n", "a", ""),
    ])
    func decodes(_ text: String, _ body: String, _ rest: String) { #expect(decode(text) == .body(body, rest: rest)) }

    @Test(arguments: [
        ("\r\n", HTTPError.malformedChunk), ("x\r\n", .malformedChunk), ("0x1\r\n", .malformedChunk),
        ("-1\r\n", .malformedChunk),
        (" 1\r\n", .malformedChunk), ("1\n", .malformedChunk), ("1\rx", .malformedChunk), ("1\r\nab", .malformedChunk),
        ("1\r\na\n", .malformedChunk), ("1\r\na\rx", .malformedChunk), ("1 x\r\n", .malformedChunk),
        ("1;\0\r\n", .malformedChunk),
        ("1 \r\na", .malformedChunk), ("FFFFFFFFFFFFFFFFF\r\n", .chunkTooLarge), ("0\r\n a\r\n", .malformedTrailer),
        ("0\r\na b\r\n", .malformedTrailer), ("0\r\na:\0\r\n", .malformedTrailer), ("0\r\na: b\rx", .malformedTrailer),
        ("0\r\n\rx", .malformedTrailer),
    ])
    func refuses(_ text: String, _ error: HTTPError) { #expect(decode(text) == .refused(error)) }

    @Test func anySplitGivesTheSame() {
        for text in ["5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nT: v\r\n\r\nrest", "5\r\nhellx\n", "2\r\nab\r\n0\r\nT v"] {
            let bytes = Array(text.utf8)
            let whole = decode(bytes)
            for first in 0...bytes.count { #expect(decode(bytes, pieces: [first]) == whole, "\(text) at \(first)") }
            #expect(decode(bytes, pieces: Array(repeating: 1, count: bytes.count)) == whole)
        }
    }

    @Test func framingIsBounded() {
        #expect(decode("1;" + String(repeating: "x", count: 20_000)) == .refused(.chunkOverhead))
        #expect(decode("0\r\n" + String(repeating: "a: b\r\n", count: 4000)) == .refused(.malformedTrailer))
        let stingy = String(repeating: "1;" + String(repeating: "x", count: 30) + "\r\na\r\n", count: 2000)
        #expect(decode(stingy) == .refused(.chunkOverhead))
        let plain = String(repeating: "1\r\na\r\n", count: 5000) + "0\r\n\r\n"
        #expect(decode(plain) == .body(String(repeating: "a", count: 5000), rest: ""))
    }
}
