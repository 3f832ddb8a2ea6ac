import HTTP

/// `GET /`: a page for a browser, in one file. Its script and style carry a number that the page's own policy names and
/// that is new each time; nothing else may run or be loaded.
extension LoopCore {
    mutating func getConsole(_ request: borrowing Request) throws(APIProblem) -> Int {
        guard live.configuration.servesConsole else { throw .notFound }
        try Parameters(request.head.query, of: request.bytes).check(.none)
        let nonce = Nonce()
        replies.begin(200, "text/html; charset=utf-8", request.fate)
        replies.output.append(
            "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n")
        replies.output.append("Content-Security-Policy: default-src 'none'; connect-src 'self'; script-src 'nonce-")
        replies.output.append(contentsOf: nonce.span)
        replies.output.append("'; style-src 'nonce-")
        replies.output.append(contentsOf: nonce.span)
        replies.output.append("'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n")
        let mark = ResponseWriter.beginBody(to: &replies.output)
        let page = PackageResources.console_html
        replies.page(page.span, nonce)
        ResponseWriter.endBody(mark, isOmitted: request.isHead, to: &replies.output)
        return 200
    }
}

/// 128 random bits as hex digits.
private struct Nonce {
    private var digits = InlineArray<32, UInt8>(repeating: 0)

    init() {
        for half in 0..<2 {
            var bits = UInt64.random(in: .min ... .max)
            for index in 0..<16 {
                let digit = UInt8(truncatingIfNeeded: bits & 15)
                digits[half * 16 + index] = digit < 10 ? digit + 48 : digit + 87
                bits >>= 4
            }
        }
    }

    var span: Span<UInt8> {
        @_lifetime(borrow self)
        borrowing get { digits.span }
    }
}

extension Replies {
    /// Writes the page; where it says `NONCE`, the number.
    fileprivate mutating func page(_ page: Span<UInt8>, _ nonce: borrowing Nonce) {
        let mark: StaticString = "\"NONCE\""
        var start = 0
        var index = 0
        while index < page.count {
            guard page[index] == UInt8(ascii: "\""), page.count - index >= mark.utf8CodeUnitCount,
                page.extracting(index..<index + mark.utf8CodeUnitCount).equals(mark)
            else {
                index += 1
                continue
            }
            output.append(contentsOf: page.extracting(start..<index + 1))
            output.append(contentsOf: nonce.span)
            index += mark.utf8CodeUnitCount
            start = index - 1
        }
        output.append(contentsOf: page.extracting(start..<page.count))
    }
}
