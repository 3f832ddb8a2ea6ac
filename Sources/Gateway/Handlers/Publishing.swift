import Arenas
import Clients
import HTTP
import JSON
import PubSub

/// `POST /v1/topics/{topic}/messages` and `POST /v1/messages`: decode → validate → intern → append → notify.
///
/// Everything up to the append happens in the request's arena. A message leaves it through two doors only: its topic is
/// interned, its bytes are copied into the log.
extension LoopCore {
    /// The body is the message, whatever its media type; what else is said of it stands in header fields.
    mutating func publishMessage(_ request: borrowing Request, _ arena: borrowing ScopedArena) throws(APIProblem) -> Int
    {
        try Parameters(request.head.query, of: request.bytes).check(.none)
        let topic = try topicName(request, arena)
        try checkMayPublish(topic)
        createdTopics = 0
        let fields = try publishFields(request)
        var message = ArenaBuffer(in: arena, capacity: request.body.count + Self.frameBytes)
        let id = request.bytes.extracting(fields.id ?? 0..<0)
        let idOffset = MessageEncoder.begin(topic: topic, id: id, to: &message)
        if let key = fields.key { MessageEncoder.key(request.bytes.extracting(key), to: &message) }
        let attributesOffset = try attributes(of: request, arena, to: &message)
        try payload(of: request, fields, to: &message)
        let bytes: Span<UInt8>
        do throws(ArenaError) { bytes = try message.finish() } catch { throw .from(error) }

        drafts.removeAll()
        try hold(
            topic, id, 0..<bytes.count, Places(id: idOffset, attributes: attributesOffset),
            fields.timeToLiveMicroseconds, fields.deliverMicroseconds)
        try append(bytes)
        let status = drafts[0].isDuplicate ? 200 : 201
        replies.begin(status, "application/json", request.fate)
        let mark = ResponseWriter.beginBody(to: &replies.output)
        writeReceipt(0, topic, id)
        replies.endLine()
        ResponseWriter.endBody(mark, to: &replies.output)
        return status
    }

    /// Envelopes, as one JSON object or one a line: all are stored, in order, or none.
    mutating func publishBatch(_ request: borrowing Request, _ arena: borrowing ScopedArena) throws(APIProblem) -> Int {
        try Parameters(request.head.query, of: request.bytes).check(.none)
        let kind = parser.value(named: "content-type", in: request.bytes)
            .flatMap { MediaType(parsing: request.bytes.extracting($0.range))?.kind }
        guard kind == .json || kind == .ndjson else {
            throw APIProblem(
                415, "unsupported_media_type",
                "envelopes are application/json or application/x-ndjson; say so in Content-Type (curl --json does)")
        }
        createdTopics = 0
        batchTrace = traceContext(request)
        drafts.removeAll()
        var receipts = ArenaBuffer(in: arena, capacity: 4096)
        var messages = ArenaBuffer(in: arena, capacity: request.body.count * 2)
        do throws(APIProblem) {
            if kind == .json {
                try decodeObject(request.body, arena, &messages, &receipts)
            } else {
                try decodeLines(request.body, arena, &messages, &receipts)
            }
            guard drafts.count > 0 else { throw APIProblem(400, "empty_batch", "there is no message in the batch") }
        } catch {
            releaseDrafts()
            throw error
        }
        let bytes: Span<UInt8>
        let names: Span<UInt8>
        do throws(ArenaError) {
            bytes = try messages.finish()
            names = try receipts.finish()
        } catch {
            releaseDrafts()
            throw .from(error)
        }
        try append(bytes)
        return writeReceipts(names, request.fate)
    }

    /// Room for what stands around a payload.
    private static let frameBytes = 512

    // MARK: Decoding envelopes

    private mutating func decodeObject(
        _ body: Span<UInt8>, _ arena: borrowing ScopedArena, _ messages: inout ArenaBuffer,
        _ receipts: inout ArenaBuffer
    ) throws(APIProblem) {
        var reader = JSONReader(body, depthLimit: Limits.jsonDepth)
        guard try reader.kind() == .object else { throw .envelope("an object with messages is wanted") }
        try reader.enterObject()
        var hasMessages = false
        while let key = try reader.key(in: arena) {
            guard key.equals("messages") else { throw .envelope("the object has messages and nothing else") }
            guard !hasMessages else { throw .envelope("messages is there twice") }
            hasMessages = true
            guard try reader.kind() == .array else { throw .envelope("messages is an array") }
            try reader.enterArray()
            while try reader.hasElement() { try decodeEnvelope(&reader, body, arena, &messages, &receipts) }
        }
        guard hasMessages else { throw .envelope("messages is missing") }
        try reader.end()
    }

    private mutating func decodeLines(
        _ body: Span<UInt8>, _ arena: borrowing ScopedArena, _ messages: inout ArenaBuffer,
        _ receipts: inout ArenaBuffer
    ) throws(APIProblem) {
        var start = 0
        while start < body.count {
            let end = body.firstIndex(of: UInt8(ascii: "\n"), from: start)
            let line = body.extracting(start..<end)
            if !line.isBlank {
                let index = drafts.count
                do throws(APIProblem) {
                    var reader = JSONReader(line, depthLimit: Limits.jsonDepth)
                    try decodeEnvelope(&reader, line, arena, &messages, &receipts)
                    try reader.end()
                } catch {
                    // Offsets of a line count from the body's start; a topic's count from the name's.
                    throw error.with {
                        if $0.parameter == nil { $0.offset = $0.offset.map { $0 + start } }
                        if $0.messageIndex == nil { $0.messageIndex = index }
                    }
                }
            }
            start = end + 1
        }
    }

    private mutating func decodeEnvelope(
        _ reader: inout JSONReader, _ document: Span<UInt8>, _ arena: borrowing ScopedArena,
        _ messages: inout ArenaBuffer, _ receipts: inout ArenaBuffer
    ) throws(APIProblem) {
        guard drafts.count < Limits.batchMessages else {
            throw APIProblem(413, "payload_too_large", "a batch has at most 1000 messages").with {
                $0.limit = Limits.batchMessages
            }
        }
        let envelope = try EnvelopeDecoder.decode(&reader, of: document, index: drafts.count, in: arena)
        do throws(APIProblem) { try checkMayPublish(envelope.topic) } catch {
            let index = drafts.count
            throw error.with {
                $0.messageIndex = index
                $0.field = "topic"
            }
        }
        let start = messages.count
        let places = envelope.encode(batchTrace, to: &messages)
        let now = loop.wallClockMicroseconds
        let due = envelope.deliverMicroseconds ?? envelope.delayMicroseconds.map { now + $0 } ?? 0
        let index = drafts.count
        let deliver = try deliveryTime(due, now) {
            APIProblem(400, "invalid_envelope", Self.tooLate).with {
                $0.messageIndex = index
                $0.field = "deliver_at"
            }
        }
        try hold(
            envelope.topic, envelope.id, start..<messages.count, places, envelope.timeToLiveMicroseconds, deliver)
        // What the receipt repeats of the envelope, so that it need not be decoded twice.
        receipts.appendFramed(envelope.topic)
        receipts.appendFramed(envelope.id)
    }

    // MARK: Intern and append

    /// Interns the topic, and notes the message among the drafts.
    private mutating func hold(
        _ topic: Span<UInt8>, _ id: Span<UInt8>, _ range: Range<Int>, _ places: Places, _ timeToLive: Int64,
        _ deliver: Int64
    ) throws(APIProblem) {
        let topicID: TopicID
        do throws(LogError) { topicID = try log.intern(topic) } catch { throw .from(error) }
        var hash: IdempotencyHash?
        if id.count > 0 {
            let bits = log.idempotencyHash.hash128(topic, id)
            hash = IdempotencyHash(high: bits.0, low: bits.1)
        }
        if limitsTopics, log.topic(topic) == nil { createdTopics += 1 }
        pool.countPromoted(copyBytes: range.count, internBytes: topic.count)
        var draft = MessageDraft(
            topic: topicID, offset: range.lowerBound, byteCount: range.count,
            cursorOffset: MessageEncoder.cursorOffset, timeOffset: MessageEncoder.timeOffset, idOffset: places.id,
            attributesOffset: places.attributes, timeToLiveMicroseconds: timeToLive, idempotency: hash)
        draft.deliverMicroseconds = deliver
        drafts.append(draft)
    }

    /// Appends the drafts, and wakes the loops whose clients wait for them.
    private mutating func append(_ bytes: Span<UInt8>) throws(APIProblem) {
        do throws(APIProblem) {
            try charge(RateCost(messages: UInt64(drafts.count), topics: createdTopics))
        } catch {
            releaseDrafts()
            throw error
        }
        let log = log
        // The request began when the one before it was done.
        let now = loop.wallClockMicroseconds(at: lastNanoseconds)
        var appended: Appended
        do throws(LogError) {
            appended = try drafts.withDrafts { drafts throws(LogError) in
                try log.append(&drafts, bytes: bytes, nowMicroseconds: now)
            }
        } catch {
            releaseDrafts()
            throw .from(error)
        }
        awaitCommit(appended.commit)
        while let index = appended.told.popFirst() {
            // This loop looks at its own news at the end of the turn.
            if index != reader.index { shared.loops[index].wake() }
        }
    }

    /// Gives up the topics' holds of drafts that are not appended after all.
    private mutating func releaseDrafts() {
        let log = log
        drafts.withHeldDrafts { log.release($0) }
    }

    // MARK: Receipts

    private mutating func writeReceipt(_ index: Int, _ topic: Span<UInt8>, _ id: Span<UInt8>) {
        let draft = drafts[index]
        if draft.isScheduled { return writeScheduledReceipt(draft, topic, id) }
        let cursor = Cursor(epoch: log.epoch, sequence: draft.sequence).text
        replies.output.append("{\"topic\":\"")
        replies.output.append(contentsOf: topic)
        replies.output.append("\",\"id\":")
        if id.count > 0 {
            JSONWriter.appendString(id, to: &replies.output)
        } else {
            replies.output.append("\"")
            replies.output.append(contentsOf: cursor.span)
            replies.output.append("\"")
        }
        replies.output.append(",\"cursor\":\"")
        replies.output.append(contentsOf: cursor.span)
        replies.output.append("\",\"time\":\"")
        replies.output.append(contentsOf: replies.time.update(Timestamp(microseconds: draft.timeMicroseconds)).span)
        replies.output.append(draft.isDuplicate ? "\",\"duplicate\":true}" : "\"}")
    }

    /// That of a message that waits: it has no cursor and no time yet.
    private mutating func writeScheduledReceipt(_ draft: MessageDraft, _ topic: Span<UInt8>, _ id: Span<UInt8>) {
        replies.output.append("{\"topic\":\"")
        replies.output.append(contentsOf: topic)
        replies.output.append("\",\"id\":")
        if id.count > 0 {
            JSONWriter.appendString(id, to: &replies.output)
        } else {
            let text = ScheduleID.text(draft.scheduleNumber)
            replies.output.append("\"")
            replies.output.append(contentsOf: text.span)
            replies.output.append("\"")
        }
        if draft.deliverMicroseconds > 0 {
            replies.output.append(",\"deliver_at\":\"")
            let due = Timestamp(microseconds: draft.deliverMicroseconds)
            replies.output.append(contentsOf: replies.time.update(due).span)
            replies.output.append("\"")
        }
        replies.output.append(draft.isDuplicate ? ",\"duplicate\":true}" : "}")
    }

    private mutating func writeReceipts(_ names: Span<UInt8>, _ fate: ConnectionFate) -> Int {
        var status = 200
        for index in 0..<drafts.count where !drafts[index].isDuplicate { status = 201 }
        replies.begin(status, "application/json", fate)
        let mark = ResponseWriter.beginBody(to: &replies.output)
        replies.output.append("{\"messages\":[")
        var offset = 0
        for index in 0..<drafts.count {
            if index > 0 { replies.output.append(",") }
            let topic = names.framed(at: &offset)
            let id = names.framed(at: &offset)
            writeReceipt(index, topic, id)
        }
        replies.output.append("]}")
        replies.endLine()
        ResponseWriter.endBody(mark, to: &replies.output)
        return status
    }
}

extension Envelope {
    /// Writes the message as it will be delivered.
    /// - Parameter trace: where its request stands in a trace, if that is to be told.
    func encode(_ trace: TraceContext?, to messages: inout ArenaBuffer) -> Places {
        let start = messages.count
        var places = Places(id: MessageEncoder.begin(topic: topic, id: id, to: &messages))
        if key.count > 0 { MessageEncoder.key(key, to: &messages) }
        if attributes.count > 0 || takesTrace && trace != nil {
            places.attributes =
                MessageEncoder.attributes(attributes, takesTrace ? trace : nil, to: &messages) - start
        }
        if contentType.count > 0 {
            MessageEncoder.contentType(contentType, to: &messages)
        } else {
            let type: StaticString =
                isBase64 ? "application/octet-stream" : isString ? "text/plain" : "application/json"
            MessageEncoder.contentType(type, to: &messages)
        }
        if isBase64 {
            MessageEncoder.endBase64(payload, to: &messages)
        } else {
            MessageEncoder.endJSON(payload, to: &messages)
        }
        return places
    }
}

/// Where in a message the log needs to find something; 0 where it is not there.
struct Places {
    /// Where the log writes the id, as the publisher named none.
    var id = 0
    /// The attributes' object.
    var attributes = 0
}

extension APIProblem {
    static func envelope(_ detail: StaticString) -> APIProblem { APIProblem(400, "invalid_envelope", detail) }
}

extension Span<UInt8> {
    /// The first `byte` from `start` on; `count` where there is none.
    func firstIndex(of byte: UInt8, from start: Int) -> Int {
        var index = start
        while index < count, self[index] != byte { index += 1 }
        return index
    }

    var isBlank: Bool {
        for index in indices {
            switch self[index] {
            case 0x20, 0x09, 0x0D: continue
            default: return false
            }
        }
        return true
    }

    /// What `appendFramed` wrote at `offset`, which moves behind it.
    @_lifetime(copy self)
    func framed(at offset: inout Int) -> Span<UInt8> {
        let length = Int(self[offset])
        defer { offset += 1 + length }
        return extracting(offset + 1..<offset + 1 + length)
    }
}

extension ArenaBuffer {
    /// Appends at most 255 bytes with their count before them.
    @_lifetime(self: copy self)
    mutating func appendFramed(_ bytes: Span<UInt8>) {
        append(UInt8(truncatingIfNeeded: bytes.count))
        append(contentsOf: bytes)
    }
}
