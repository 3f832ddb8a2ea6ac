import Arenas
import Clients
import HTTP
import JSON
import PubSub

/// Replies as they are written into a loop's output.
struct Replies: ~Copyable {
    var output: OutputBuffer
    /// The `Date` of all replies of a second.
    var date = HTTPDate(unixSeconds: 0)
    var time = TimestampText()
    /// The number of the origin whose page asked; its header fields go into the reply.
    var origin: UInt8 = 0
    /// What the request is called, as far as that is known; a reply that has no name then says none.
    private(set) var requestID = OutputBuffer(capacity: RequestIDs.maximumBytes)
    private var requestIDs = RequestIDs()
    /// How the client's limit on requests stands.
    var standing: RateStanding?
    private let crossOrigin: CrossOriginFields

    /// Memory kept between replies; a rare large one does not pin more.
    private static let keptBytes = 512 << 10

    init(capacity: Int, crossOrigin: CrossOriginFields) {
        output = OutputBuffer(capacity: capacity)
        self.crossOrigin = crossOrigin
    }

    var isEmpty: Bool { output.count == 0 }

    mutating func removeAll() {
        output.removeAll()
        if output.reservedBytes > Self.keptBytes { output.shrink(to: Self.keptBytes) }
    }

    /// Writes the status line and the fields that every reply has.
    mutating func begin(_ status: Int, _ contentType: StaticString, _ fate: ConnectionFate) {
        ResponseWriter.begin(status, to: &output)
        output.append("Date: ")
        date.write(to: &output)
        output.append("\r\nContent-Type: ")
        output.append(contentType)
        output.append("\r\n")
        requestFields()
        connection(fate)
    }

    /// Writes the field with the request's name, where it has one.
    mutating func writeRequestID() {
        guard requestID.count > 0 else { return }
        output.append("X-Request-Id: ")
        output.append(contentsOf: requestID)
        output.append("\r\n")
    }

    /// Takes a client's name for its request.
    mutating func nameRequest(_ name: Span<UInt8>?) {
        requestID.removeAll()
        if let name, RequestIDs.isSane(name) { requestID.append(contentsOf: name) }
    }

    /// Makes a name up, where there is none.
    mutating func nameRequest() {
        if requestID.count == 0 { requestIDs.writeNext(to: &requestID) }
    }

    /// Writes the fields that are this request's own.
    mutating func requestFields() {
        writeRequestID()
        if let standing {
            output.append("RateLimit: ")
            standing.writeRateLimit(to: &output)
            output.append("\r\n")
        }
        guard origin != 0 else { return }
        let text = crossOrigin.texts[Int(origin)]
        output.append(contentsOf: text.span)
    }

    mutating func connection(_ fate: ConnectionFate) {
        switch fate {
        case .staysOpen: break
        case .staysOpenExplicitly: output.append("Connection: keep-alive\r\n")
        case .closes: output.append("Connection: close\r\n")
        }
    }

    /// Ends a reply of JSON, so that a terminal's next prompt stands on a line of its own.
    mutating func endLine() { output.append("\n") }

    /// A whole reply of known text.
    mutating func text(_ status: Int, _ body: StaticString, _ request: borrowing Request) {
        begin(status, "text/plain; charset=utf-8", request.fate)
        output.append("Cache-Control: no-store\r\n")
        let mark = ResponseWriter.beginBody(to: &output)
        output.append(body)
        ResponseWriter.endBody(mark, isOmitted: request.isHead, to: &output)
    }

    /// A reply without a body.
    mutating func noContent(_ fate: ConnectionFate, allow: StaticString? = nil) {
        ResponseWriter.begin(204, to: &output)
        output.append("Date: ")
        date.write(to: &output)
        output.append("\r\n")
        if let allow { ResponseWriter.field("Allow", allow, to: &output) }
        requestFields()
        connection(fate)
        ResponseWriter.endWithoutBody(to: &output)
    }

    // MARK: JSON members

    mutating func cursor(_ cursor: Cursor) {
        output.append("\"")
        cursor.write(to: &output)
        output.append("\"")
    }

    mutating func member(_ name: StaticString, _ value: Int) {
        output.append(name)
        JSONWriter.appendInteger(value, to: &output)
    }

    // MARK: Problems

    /// An RFC 9457 problem. `bytes` is what `parameterRange` points into.
    mutating func problem(_ problem: APIProblem, of bytes: Span<UInt8>, _ fate: ConnectionFate, isHead: Bool) {
        nameRequest()
        begin(problem.status, "application/problem+json", fate)
        output.append("Cache-Control: no-store\r\n")
        if let allow = problem.allow { ResponseWriter.field("Allow", allow, to: &output) }
        if let challenge = problem.challenge {
            ResponseWriter.field("WWW-Authenticate", challenge, to: &output)
        }
        if let seconds = problem.retryAfterSeconds { ResponseWriter.field("Retry-After", seconds, to: &output) }
        if let earliest = problem.earliest {
            output.append("Cursor: ")
            earliest.write(to: &output)
            output.append("\r\n")
        }
        let mark = ResponseWriter.beginBody(to: &output)
        problemBody(problem, of: bytes)
        endLine()
        ResponseWriter.endBody(mark, isOmitted: isHead, to: &output)
    }

    private mutating func problemBody(_ problem: APIProblem, of bytes: Span<UInt8>) {
        output.append("{\"type\":\"about:blank\",\"title\":")
        JSONWriter.appendString(Status.reason(problem.status), to: &output)
        member(",\"status\":", problem.status)
        output.append(",\"code\":\"")
        output.append(problem.code)
        output.append("\",\"detail\":\"")
        if let prefix = problem.detailPrefix { output.append(prefix) }
        JSONWriter.appendEscaped(problem.detail, to: &output)
        output.append("\"")
        if let parameter = problem.parameter {
            output.append(",\"parameter\":")
            JSONWriter.appendString(parameter, to: &output)
        } else if let range = problem.parameterRange {
            output.append(",\"parameter\":")
            let text = bytes.extracting(range.lowerBound..<min(range.upperBound, range.lowerBound + 64))
            JSONWriter.appendString(text, to: &output)
        }
        if let suggestion = problem.suggestion {
            output.append(",\"suggestion\":")
            JSONWriter.appendString(suggestion, to: &output)
        }
        if let index = problem.messageIndex {
            member(",\"path\":\"messages[", index)
            output.append("]")
            if let field = problem.field {
                output.append(".")
                output.append(field)
            } else if let field = problem.unknownField {
                output.append(".")
                JSONWriter.appendEscaped(field.span, to: &output)
            }
            output.append("\"")
        }
        if let offset = problem.offset { member(",\"offset\":", offset) }
        if let limit = problem.limit { member(",\"limit\":", limit) }
        if let earliest = problem.earliest {
            output.append(",\"earliest\":")
            cursor(earliest)
        }
        if let kind = problem.limitedBy {
            output.append(",\"limited_by\":")
            JSONWriter.appendString(kind, to: &output)
        }
        if let allow = problem.allow {
            output.append(",\"allowed\":")
            JSONWriter.appendString(allow, to: &output)
        }
        output.append("}")
    }
}
