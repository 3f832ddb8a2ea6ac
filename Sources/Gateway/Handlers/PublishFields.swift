import Arenas
import HTTP
import JSON
import PubSub

/// What the header fields of a publish say about its message, as ranges of the request's bytes.
struct PublishFields {
    var id: Range<Int>?
    var key: Range<Int>?
    var contentType: Range<Int>?
    var kind = MediaType.Kind.other
    var timeToLiveMicroseconds: Int64 = 0
    /// When the message is to be delivered; 0 for at once.
    var deliverMicroseconds: Int64 = 0
}

extension LoopCore {
    /// The topic of a request's path.
    @_lifetime(copy request, borrow arena)
    mutating func topicName(
        _ request: borrowing Request, _ arena: borrowing ScopedArena
    ) throws(APIProblem) -> Span<UInt8> {
        let name: Span<UInt8>
        do throws(PercentError) {
            name = try PercentDecoding.decode(request.bytes.extracting(request.parameter), as: .path, in: arena)
        } catch {
            throw .from(error, parameter: "topic")
        }
        do throws(TopicError) { try TopicName.validate(name) } catch { throw .invalidTopic(error) }
        return name
    }

    /// Checks the fields that a publish may have.
    mutating func publishFields(_ request: borrowing Request) throws(APIProblem) -> PublishFields {
        var fields = PublishFields()
        fields.id = try onlyValue("idempotency-key", "Idempotency-Key", request)
        if let id = fields.id, !MessageRules.isIdempotencyKey(request.bytes.extracting(id)) {
            throw .invalidHeader("Idempotency-Key", "1 to 255 printable ASCII characters are wanted")
        }
        fields.key = try onlyValue("message-key", "Message-Key", request)
        if let key = fields.key, !MessageRules.isKey(request.bytes.extracting(key)) {
            throw .invalidHeader("Message-Key", "1 to 255 bytes of UTF-8 without control characters are wanted")
        }
        if let ttl = try onlyValue("ttl", "TTL", request) {
            guard let time = Duration.microseconds(request.bytes.extracting(ttl)), time > 0 else {
                throw .invalidHeader("TTL", "seconds from 1 on, or a time such as 10m, is wanted")
            }
            fields.timeToLiveMicroseconds = time
        }
        fields.deliverMicroseconds = try deliveryTime(request)
        fields.contentType = try onlyValue("content-type", "Content-Type", request)
        if let range = fields.contentType {
            guard range.count <= Limits.contentTypeBytes,
                let type = MediaType(parsing: request.bytes.extracting(range))
            else { throw .invalidHeader("Content-Type", "a media type is wanted") }
            fields.kind = type.kind
        }
        return fields
    }

    /// When a message is to be delivered, as `Delay` or `Deliver-At` says; 0 for at once.
    private mutating func deliveryTime(_ request: borrowing Request) throws(APIProblem) -> Int64 {
        let delay = try onlyValue("delay", "Delay", request)
        let time = try onlyValue("deliver-at", "Deliver-At", request)
        guard delay == nil || time == nil else {
            throw .invalidHeader("Deliver-At", "either Delay or Deliver-At, not both")
        }
        let now = loop.wallClockMicroseconds
        if let delay {
            guard let delay = Duration.microseconds(request.bytes.extracting(delay)) else {
                throw .invalidHeader("Delay", "seconds, or a time such as 10m, is wanted")
            }
            return try deliveryTime(now + delay, now) { .invalidHeader("Delay", Self.tooLate) }
        }
        guard let time else { return 0 }
        guard let at = Timestamp(parsing: request.bytes.extracting(time)) else {
            throw .invalidHeader("Deliver-At", "an RFC 3339 time is wanted")
        }
        return try deliveryTime(at.microseconds, now) { .invalidHeader("Deliver-At", Self.tooLate) }
    }

    static var tooLate: StaticString { "this is further ahead than --max-delay lets it be" }

    /// - Returns: 0 where the time has come already.
    mutating func deliveryTime(
        _ due: Int64, _ now: Int64, _ problem: () -> APIProblem
    ) throws(APIProblem) -> Int64 {
        guard due - now <= live.configuration.maximumDelayMicroseconds else {
            let seconds = Int(live.configuration.maximumDelayMicroseconds / 1_000_000)
            throw problem().with { $0.limit = seconds }
        }
        return due > now ? due : 0
    }

    /// The value of a field that may be there once: which of two was meant, nobody knows.
    /// - Parameter name: in lower case.
    private mutating func onlyValue(
        _ name: StaticString, _ shown: StaticString, _ request: borrowing Request
    ) throws(APIProblem) -> Range<Int>? {
        guard let value = parser.value(named: name, in: request.bytes) else { return nil }
        guard !value.isRepeated else { throw .invalidHeader(shown, "the header is there twice") }
        return value.range
    }

    /// Writes `Attr-NAME: value` fields as the message's attributes.
    /// - Returns: where in the message they stand; 0 where there are none.
    mutating func attributes(
        of request: borrowing Request, _ arena: borrowing ScopedArena, to message: inout ArenaBuffer
    ) throws(APIProblem) -> Int {
        let prefix: StaticString = "attr-"
        var names: AttributeNames?
        var offset = 0
        for index in 0..<request.head.fieldCount {
            let field = parser.field(at: index)
            guard field.name.count >= 5, request.bytes.begins(with: prefix, in: field.name) else { continue }
            let name = request.bytes.extracting(field.name.lowerBound + 5..<field.name.upperBound)
            let value = request.bytes.extracting(field.value)
            guard MessageRules.isAttributeName(name) else {
                throw .invalidHeader("Attr-", "an attribute's name is 1 to 64 of A-Za-z0-9_-")
            }
            guard MessageRules.isAttributeValue(value) else {
                throw .invalidHeader("Attr-", "an attribute has at most 1024 bytes of UTF-8")
            }
            if names == nil {
                names = AttributeNames(in: arena)
                message.append(",\"attributes\":{")
                offset = message.count - 1
            }
            guard names?.insert(name) == true else {
                throw .invalidHeader("Attr-", "an attribute is there twice")
            }
            let count = names?.count ?? 0
            guard count <= Limits.attributes else {
                throw .invalidHeader("Attr-", "a message has at most 32 attributes")
            }
            MessageEncoder.attribute(name, value, isFirst: count == 1, to: &message)
        }
        if let context = traceContext(request) {
            if names == nil {
                names = AttributeNames(in: arena)
                message.append(",\"attributes\":{")
                offset = message.count - 1
            }
            let name = TraceContext.name
            let text = context.text
            // A publisher's own word stands, and so does the bound.
            if names?.count ?? 0 < Limits.attributes, names?.insert(name.span) == true {
                MessageEncoder.attribute(name.span, text.span, isFirst: names?.count == 1, to: &message)
            }
        }
        if names != nil { message.append("}") }
        return offset
    }

    /// Where the request stands in a trace, if its messages are to tell.
    mutating func traceContext(_ request: borrowing Request) -> TraceContext? {
        guard live.configuration.keepsTraceContext,
            let field = parser.value(named: "traceparent", in: request.bytes), !field.isRepeated
        else { return nil }
        return TraceContext(parsing: request.bytes.extracting(field.range))
    }

    /// Writes the media type and the payload: JSON as JSON, UTF-8 as a string, anything else as base64.
    mutating func payload(
        of request: borrowing Request, _ fields: PublishFields, to message: inout ArenaBuffer
    ) throws(APIProblem) {
        if fields.kind == .json, let type = fields.contentType {
            let value: Range<Int>
            do throws(JSONError) { value = try JSONReader.validate(request.body, depthLimit: Limits.jsonDepth) } catch {
                throw .from(error)
            }
            MessageEncoder.contentType(request.bytes.extracting(type), to: &message)
            MessageEncoder.endJSON(request.body.extracting(value), to: &message)
            return
        }
        let isText = UTF8Validation.isValid(request.body)
        if let type = fields.contentType, fields.kind != .formURLEncoded {
            MessageEncoder.contentType(request.bytes.extracting(type), to: &message)
        } else {
            // curl's default type says nothing about what it sends.
            MessageEncoder.contentType(isText ? "text/plain" : "application/octet-stream", to: &message)
        }
        MessageEncoder.endBody(request.body, isText: isText, to: &message)
    }
}

extension Span<UInt8> {
    /// Whether `range` begins with the literal, which is in lower case, in upper or lower case.
    func begins(with literal: StaticString, in range: Range<Int>) -> Bool {
        guard range.count >= literal.utf8CodeUnitCount else { return false }
        for index in 0..<literal.utf8CodeUnitCount
        where literal[index] != asciiLowercase(self[range.lowerBound + index]) { return false }
        return true
    }
}
