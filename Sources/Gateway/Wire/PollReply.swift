import Arenas
import HTTP
import PubSub

/// The reply to a poll: `{"messages":[…],"next":"CURSOR"}`, and the same position in `Cursor` and `Link`.
extension Replies {
    /// Reads, and writes the whole reply.
    /// - Parameter foreign: the client's cursor, where it is another log's.
    mutating func poll(
        _ reader: any LogReader, _ target: borrowing ReadTarget, _ filter: borrowing MessageFilter,
        _ request: ReadRequest, _ form: ReadForm, epoch: Epoch, foreign: Cursor? = nil, isHead: Bool
    ) throws(ReadError) -> ReadOutcome {
        begin(200, "application/json", form.fate)
        output.append("Cache-Control: no-store\r\nCursor: ")
        let cursorField = blankCursor()
        output.append("\r\nLink: <?after=")
        let linkField = blankCursor()
        linkParameters(form, limit: request.limit, filter)
        let mark = ResponseWriter.beginBody(to: &output)
        output.append("{\"messages\":[")
        let outcome = try messages(reader, target, filter, request)
        output.append("],")
        if case .after(let position) = request.start, outcome.lostThrough != nil || foreign != nil {
            output.append("\"gap\":{\"after\":")
            cursor(foreign ?? Cursor(epoch: epoch, sequence: position))
            output.append(",\"earliest\":")
            cursor(Cursor(epoch: epoch, sequence: outcome.lostThrough ?? position))
            output.append("},")
        }
        output.append("\"next\":")
        let next = Cursor(epoch: epoch, sequence: outcome.next)
        cursor(next)
        output.append("}")
        endLine()
        var bytes = output.mutableSpan
        next.write(over: &bytes, at: cursorField)
        next.write(over: &bytes, at: linkField)
        ResponseWriter.endBody(mark, isOmitted: isHead, to: &output)
        return outcome
    }

    /// The reply to a poll that found nothing: the client goes on where it was.
    mutating func emptyPoll(_ waiter: Waiter, _ filter: borrowing MessageFilter, epoch: Epoch, closes: Bool) {
        var form = ReadForm(packed: waiter.form)
        if closes { form.fate = .closes }
        origin = form.origin
        standing = nil
        let next = Cursor(epoch: epoch, sequence: waiter.next)
        begin(200, "application/json", form.fate)
        output.append("Cache-Control: no-store\r\nCursor: ")
        next.write(to: &output)
        output.append("\r\nLink: <?after=")
        next.write(to: &output)
        linkParameters(form, limit: Int(waiter.limit), filter)
        let mark = ResponseWriter.beginBody(to: &output)
        output.append("{\"messages\":[],\"next\":")
        cursor(next)
        output.append("}")
        endLine()
        ResponseWriter.endBody(mark, to: &output)
    }

    /// What the next poll asks for besides its cursor: the same as this one.
    private mutating func linkParameters(_ form: ReadForm, limit: Int, _ filter: borrowing MessageFilter) {
        if form.waitMilliseconds > 0 {
            member("&wait=", form.waitMilliseconds)
            output.append("ms")
        }
        if limit != Limits.defaultPollMessages { member("&limit=", limit) }
        if !filter.isEmpty { filterParameters(filter) }
        output.append(form.skipsGaps ? "&gap=skip>; rel=\"next\"\r\n" : ">; rel=\"next\"\r\n")
    }

    private mutating func messages(
        _ reader: any LogReader, _ target: borrowing ReadTarget, _ filter: borrowing MessageFilter,
        _ request: ReadRequest
    ) throws(ReadError) -> ReadOutcome {
        var isFirst = true
        return try reader.read(target, filter, request, begin: { _ in }) { message in
            if !isFirst { output.append(",") }
            isFirst = false
            output.append(contentsOf: message)
        }
    }

    /// Room for a cursor that is known later.
    private mutating func blankCursor() -> Int {
        output.append("00000000000000000000000")
        return output.count - Cursor.byteCount
    }
}
