import Arenas
import JSON
import PubSub

/// One envelope of a batch (`POST /v1/messages`), decoded and checked: views into the request and its arena.
struct Envelope: ~Escapable {
    var topic: Span<UInt8>
    /// A JSON value as written, or base64 text.
    var payload: Span<UInt8>
    /// These are empty where they were not given.
    var id: Span<UInt8>
    var key: Span<UInt8>
    var contentType: Span<UInt8>
    /// The attributes as the text of a JSON object.
    var attributes: Span<UInt8>
    /// Whether the request's trace may be added to them: they have none of their own, and there is room.
    var takesTrace = true
    var isBase64 = false
    /// The payload is a JSON string.
    var isString = false
    var timeToLiveMicroseconds: Int64 = 0
    /// When it is to be delivered, or how much later than now; nil where that was not given.
    var deliverMicroseconds: Int64?
    var delayMicroseconds: Int64?

    @_lifetime(copy empty)
    init(empty: Span<UInt8>) {
        topic = empty
        payload = empty
        id = empty
        key = empty
        contentType = empty
        attributes = empty
    }
}

/// Reads envelopes: known fields only, each at most once, each of its type. An error names the message's index and
/// the field.
enum EnvelopeDecoder {
    private enum Field: UInt8, CaseIterable {
        case topic, data, dataBase64, contentType, key, attributes, id, ttl, delay, deliverAt

        var name: StaticString {
            switch self {
            case .topic: "topic"
            case .data: "data"
            case .dataBase64: "data_base64"
            case .contentType: "content_type"
            case .key: "key"
            case .attributes: "attributes"
            case .id: "id"
            case .ttl: "ttl"
            case .delay: "delay"
            case .deliverAt: "deliver_at"
            }
        }
    }

    /// Reads the object at the reader's position; `document` is what `reader` reads.
    @_lifetime(reader: copy reader)
    @_lifetime(copy reader, copy document, borrow arena)
    static func decode(
        _ reader: inout JSONReader, of document: Span<UInt8>, index: Int, in arena: borrowing ScopedArena
    ) throws(APIProblem) -> Envelope {
        guard try reader.kind() == .object else { throw problem(index, nil, "an envelope is an object") }
        var envelope = Envelope(empty: document.extracting(0..<0))
        var seen: UInt16 = 0
        try reader.enterObject()
        while let name = try reader.key(in: arena) {
            guard let field = Field.allCases.first(where: { name.equals($0.name) }) else {
                let unknown = ShortText(name)
                throw problem(
                    index, nil,
                    "an envelope has topic, data or data_base64, content_type, key, attributes, id, ttl, delay, deliver_at"
                ).with {
                    $0.code = "unknown_field"
                    $0.unknownField = unknown
                }
            }
            guard seen & 1 << field.rawValue == 0 else { throw problem(index, field.name, "the field is there twice") }
            seen |= 1 << field.rawValue
            let kind = try reader.kind()
            switch field {
            case .data:
                envelope.isString = kind == .string
                envelope.payload = document.extracting(try reader.value())
            case .attributes:
                guard kind == .object else { throw problem(index, field.name, "an object of strings is wanted") }
                envelope.attributes = try attributes(
                    &reader, index: index, in: arena, takesTrace: &envelope.takesTrace)
            case .ttl:
                envelope.timeToLiveMicroseconds = try timeToLive(&reader, kind, index: index, in: arena)
            case .delay:
                envelope.delayMicroseconds = try delay(&reader, kind, index: index, in: arena)
            case .topic, .dataBase64, .contentType, .key, .id, .deliverAt:
                guard kind == .string else { throw problem(index, field.name, "a string is wanted") }
                let text = try reader.string(in: arena)
                switch field {
                case .topic:
                    do throws(TopicError) { try TopicName.validate(text) } catch {
                        throw APIProblem.invalidTopic(error).with {
                            $0.messageIndex = index; $0.field = "topic"
                        }
                    }
                    envelope.topic = text
                case .dataBase64:
                    guard MessageRules.isBase64(text) else {
                        throw problem(index, field.name, "padded base64 is wanted")
                    }
                    envelope.payload = text
                    envelope.isBase64 = true
                case .contentType:
                    guard MessageRules.isMediaType(text) else {
                        throw problem(index, field.name, "a media type is wanted")
                    }
                    envelope.contentType = text
                case .key:
                    guard MessageRules.isKey(text) else {
                        throw problem(index, field.name, "1 to 255 bytes without control characters are wanted")
                    }
                    envelope.key = text
                case .deliverAt:
                    guard let time = Timestamp(parsing: text) else {
                        throw problem(index, field.name, "an RFC 3339 time is wanted")
                    }
                    envelope.deliverMicroseconds = time.microseconds
                default:
                    guard MessageRules.isIdempotencyKey(text) else {
                        throw problem(index, field.name, "1 to 255 printable ASCII characters are wanted")
                    }
                    envelope.id = text
                }
            }
        }
        guard seen & 1 << Field.topic.rawValue != 0 else { throw problem(index, "topic", "the field is missing") }
        let payloads = seen & (1 << Field.data.rawValue | 1 << Field.dataBase64.rawValue)
        guard payloads != 0 else { throw problem(index, "data", "data or data_base64 is missing") }
        guard payloads.nonzeroBitCount == 1 else {
            throw problem(index, "data", "either data or data_base64, not both")
        }
        guard envelope.delayMicroseconds == nil || envelope.deliverMicroseconds == nil else {
            throw problem(index, "deliver_at", "either delay or deliver_at, not both")
        }
        return envelope
    }

    private static func problem(_ index: Int, _ field: StaticString?, _ detail: StaticString) -> APIProblem {
        APIProblem(400, "invalid_envelope", detail).with {
            $0.messageIndex = index
            $0.field = field
        }
    }

    /// Seconds as a number, or a time as a string.
    @_lifetime(reader: copy reader)
    private static func timeToLive(
        _ reader: inout JSONReader, _ kind: JSONKind, index: Int, in arena: borrowing ScopedArena
    ) throws(APIProblem) -> Int64 {
        let wanted: StaticString = "seconds from 1 to 3153600000, or a time such as \"10m\", is wanted"
        let microseconds: Int64?
        switch kind {
        case .number:
            let seconds: Int64
            do throws(JSONError) { seconds = try reader.readInteger() } catch { throw problem(index, "ttl", wanted) }
            microseconds = (1...MessageRules.longestTimeToLiveSeconds).contains(seconds) ? seconds * 1_000_000 : nil
        case .string:
            microseconds = Duration.microseconds(try reader.string(in: arena))
        default:
            microseconds = nil
        }
        guard let microseconds, microseconds > 0 else { throw problem(index, "ttl", wanted) }
        return microseconds
    }

    /// Seconds as a number, or a time as a string; none is at once.
    @_lifetime(reader: copy reader)
    private static func delay(
        _ reader: inout JSONReader, _ kind: JSONKind, index: Int, in arena: borrowing ScopedArena
    ) throws(APIProblem) -> Int64 {
        let wanted: StaticString = "seconds, or a time such as \"10m\", is wanted"
        switch kind {
        case .number:
            let seconds: Int64
            do throws(JSONError) { seconds = try reader.readInteger() } catch { throw problem(index, "delay", wanted) }
            guard (0...MessageRules.longestTimeToLiveSeconds).contains(seconds) else {
                throw problem(index, "delay", wanted)
            }
            return seconds * 1_000_000
        case .string:
            guard let time = Duration.microseconds(try reader.string(in: arena)) else {
                throw problem(index, "delay", wanted)
            }
            return time
        default: throw problem(index, "delay", wanted)
        }
    }

    @_lifetime(reader: copy reader)
    @_lifetime(borrow arena)
    private static func attributes(
        _ reader: inout JSONReader, index: Int, in arena: borrowing ScopedArena, takesTrace: inout Bool
    ) throws(APIProblem) -> Span<UInt8> {
        var text = ArenaBuffer(in: arena, capacity: 256)
        var names = AttributeNames(in: arena)
        try reader.enterObject()
        text.append("{")
        while let name = try reader.key(in: arena) {
            guard MessageRules.isAttributeName(name) else {
                throw problem(index, "attributes", "an attribute's name is 1 to 64 of A-Za-z0-9_-")
            }
            guard try reader.kind() == .string else { throw problem(index, "attributes", "an attribute is a string") }
            let value = try reader.string(in: arena)
            guard MessageRules.isAttributeValue(value) else {
                throw problem(index, "attributes", "an attribute has at most 1024 bytes")
            }
            guard names.insert(name) else { throw problem(index, "attributes", "an attribute is there twice") }
            guard names.count <= Limits.attributes else {
                throw problem(index, "attributes", "a message has at most 32 attributes")
            }
            MessageEncoder.attribute(name, value, isFirst: names.count == 1, to: &text)
        }
        text.append("}")
        let count = names.count
        let trace = TraceContext.name
        takesTrace = count < Limits.attributes && names.insert(trace.span)
        guard count > 0 else { return Span() }
        do throws(ArenaError) { return try text.finish() } catch { throw .from(error) }
    }
}

/// The attributes' names of one message so far, to find one that is there twice. There are few.
struct AttributeNames: ~Copyable, ~Escapable {
    private var bytes: ArenaBuffer
    private(set) var count = 0

    @_lifetime(borrow arena)
    init(in arena: borrowing ScopedArena) { bytes = ArenaBuffer(in: arena, capacity: 256) }

    /// Notes a name; upper and lower case are one.
    /// - Returns: false where it was there already.
    @_lifetime(self: copy self)
    mutating func insert(_ name: Span<UInt8>) -> Bool {
        if contains(name) { return false }
        bytes.append(UInt8(truncatingIfNeeded: name.count))
        for index in name.indices { bytes.append(asciiLowercase(name[index])) }
        count += 1
        return true
    }

    private func contains(_ name: Span<UInt8>) -> Bool {
        let known = bytes.span
        var start = 0
        while start < known.count {
            let length = Int(known[start])
            if length == name.count, matches(known, start + 1, name) { return true }
            start += 1 + length
        }
        return false
    }

    private func matches(_ known: Span<UInt8>, _ start: Int, _ name: Span<UInt8>) -> Bool {
        for index in name.indices where known[start + index] != asciiLowercase(name[index]) { return false }
        return true
    }
}

extension Span<UInt8> {
    /// Whether these bytes are the literal's.
    func equals(_ literal: StaticString) -> Bool {
        guard count == literal.utf8CodeUnitCount else { return false }
        for index in indices where literal[index] != self[index] { return false }
        return true
    }
}
