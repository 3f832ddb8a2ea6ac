import Testing

@testable import HTTP

/// Requests that stand one behind the other on a connection are taken off it one by one, their bodies too.
@Suite struct PipeliningTests {
    private let fixture = HeadFixture()

    @Test func requestsAreTakenInOrder() {
        let requests = [
            "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n", "POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
            "\r\nPOST /3 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: v\r\n\r\n",
            "GET /4 HTTP/1.1\r\nHost: h\r\n\r\n",
        ]
        var rest = Array(requests.joined().utf8)
        var taken: [String] = []
        while case .head(let head) = fixture.parse(rest) {
            rest.removeFirst(head.byteCount)
            let body = head.isChunked ? ChunkedBody(rest) : ChunkedBody(length: head.contentLength ?? 0, of: rest)
            rest.removeFirst(body.consumed ?? 0)
            taken.append(head.path + " " + body.text)
        }
        #expect(taken == ["/1 ", "/2 hello", "/3 abc", "/4 "] && rest.isEmpty)
    }

    /// Nothing of one request is left in the parser when the next is parsed.
    @Test func aRequestLeavesNothingBehind() {
        let plain = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
        let fresh = HeadFixture().parse(plain)
        let others = [
            "PUT /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n",
            "PUT http://h HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n", "GET / HTTP/1.0\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nX",
        ]
        for other in others {
            _ = fixture.parse(other)
            #expect(fixture.parse(plain) == fresh, "after \(other)")
        }
    }
}
