import Arenas
import HTTP

/// Takes any bytes for a request and traps where one of the parser's promises breaks: however the bytes are split, the
/// head, the body and the error are the same; every range lies within the bytes; a body's end is known one way only.
func fuzzHTTP(_ bytes: Span<UInt8>) {
    var parser = RequestParser()
    let whole = outcome(&parser, bytes)
    for step in [1, 7] {
        let inSteps = outcomeInSteps(of: step, bytes)
        if inSteps == whole { continue }
        // A line that is hopeless may be refused before it is complete; when it is, it must be.
        precondition(inSteps == .incomplete && whole.isRefused, "a split changes the outcome")
        var complete = OutputBuffer(capacity: bytes.count + 1)
        complete.append(contentsOf: bytes)
        complete.append("\n")
        precondition(outcomeInSteps(of: step, complete.span).isRefused, "a split lets a refused head through")
    }
    guard case .head(let head) = whole else { return }
    check(head, of: bytes)
    for index in 0..<head.fieldCount {
        let field = parser.field(at: index)
        precondition(!field.name.isEmpty && field.name.upperBound <= field.value.lowerBound, "a field in disorder")
        precondition(field.value.upperBound <= head.byteCount, "a field outside the head")
    }
    guard head.isChunked else { return }
    let body = bytes.extracting(head.byteCount..<bytes.count)
    let atOnce = decoded(body, inStepsOf: body.count)
    for step in [1, 5] { precondition(decoded(body, inStepsOf: step) == atOnce, "a split changes the body") }
}

private enum HeadOutcome: Equatable {
    case incomplete
    case head(RequestHead)
    case refused(HTTPError)

    var isRefused: Bool { if case .refused = self { true } else { false } }
}

private func outcome(_ parser: inout RequestParser, _ bytes: Span<UInt8>) -> HeadOutcome {
    var position = ScanPosition()
    return outcome(&parser, bytes, &position)
}

private func outcome(
    _ parser: inout RequestParser, _ bytes: Span<UInt8>, _ position: inout ScanPosition
) -> HeadOutcome {
    do throws(HTTPError) {
        switch try parser.parse(bytes, resume: &position) {
        case .incomplete: return .incomplete
        case .head(let head): return .head(head)
        }
    } catch {
        return .refused(error)
    }
}

private func outcomeInSteps(of step: Int, _ bytes: Span<UInt8>) -> HeadOutcome {
    var parser = RequestParser()
    var position = ScanPosition()
    var count = min(step, bytes.count)
    while true {
        let outcome = outcome(&parser, bytes.extracting(0..<count), &position)
        if outcome != .incomplete || count == bytes.count { return outcome }
        count = min(count + step, bytes.count)
    }
}

private func check(_ head: RequestHead, of bytes: Span<UInt8>) {
    precondition(head.byteCount > 0 && head.byteCount <= bytes.count, "a head of no size")
    precondition(!(head.isChunked && head.contentLength != nil), "a body with two ends")
    precondition((head.contentLength ?? 0) >= 0, "a body of less than nothing")
    precondition(head.path.upperBound <= head.byteCount, "a path outside the head")
    if let query = head.query {
        precondition(query.upperBound <= head.byteCount, "a query outside the head")
        var items = QueryItems(query, of: bytes)
        while let item = items.next() {
            precondition(item.name.lowerBound >= query.lowerBound, "a parameter outside the query")
            precondition(item.value.upperBound <= query.upperBound, "a parameter outside the query")
        }
    }
}

/// What a chunked body says, as one number over its data, and how it ends.
private struct Body: Equatable {
    var byteCount = 0
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    var consumed: Int?
    var error: HTTPError?
}

private func decoded(_ bytes: Span<UInt8>, inStepsOf step: Int) -> Body {
    var decoder = ChunkedDecoder()
    var body = Body()
    var start = 0
    do throws(HTTPError) {
        while start < bytes.count, body.consumed == nil {
            let piece = bytes.extracting(start..<min(start + max(step, 1), bytes.count))
            var offset = 0
            pieces: while true {
                switch try decoder.decode(piece, from: offset) {
                case .data(let range):
                    for index in range { body.hash = (body.hash ^ UInt64(piece[index])) &* 0x100_0000_01B3 }
                    body.byteCount += range.count
                    offset = range.upperBound
                case .needsMore: break pieces
                case .end(let consumed):
                    body.consumed = start + consumed
                    break pieces
                }
            }
            start += piece.count
        }
    } catch {
        body.error = error
    }
    return body
}
