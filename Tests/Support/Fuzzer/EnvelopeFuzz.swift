// The decoder is the gateway's own matter: only scripts/fuzz.sh builds it so that it can be reached from outside.
#if FUZZING
    import Arenas
    import JSON
    import PubSub
    @testable import Gateway

    /// Takes any bytes for an envelope and traps where a promise breaks: what is decoded keeps the rules of topics and
    /// fits the document, and is encoded as one line of valid JSON; what is refused says where.
    func fuzzEnvelope(_ bytes: Span<UInt8>) {
        let arena = ScopedArena()
        do throws(APIProblem) {
            var reader = JSONReader(bytes, depthLimit: 64)
            let envelope = try EnvelopeDecoder.decode(&reader, of: bytes, index: 0, in: arena)
            try reader.end()
            let isTopic: Bool
            do throws(TopicError) {
                try TopicName.validate(envelope.topic)
                isTopic = true
            } catch {
                isTopic = false
            }
            precondition(isTopic, "a topic that breaks the rules")
            precondition(envelope.payload.count <= bytes.count, "more payload than there was")
            precondition(envelope.timeToLiveMicroseconds >= 0, "a time to live before now")
            checkMessage(envelope, nil, arena)
            checkMessage(envelope, trace, arena)
        } catch {
            precondition(error.status == 400 || error.status == 413, "a refusal of another kind")
            if let offset = error.offset { precondition(offset >= 0 && offset <= bytes.count, "an offset outside") }
        }
    }

    private var trace: TraceContext? {
        TraceContext(parsing: Array("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".utf8).span)
    }

    private func checkMessage(
        _ envelope: borrowing Envelope, _ trace: TraceContext?, _ arena: borrowing ScopedArena
    ) {
        var buffer = ArenaBuffer(in: arena, capacity: 512)
        let places = envelope.encode(trace, to: &buffer)
        guard let message = try? buffer.finish() else { return }
        precondition(places.id >= 0 && places.id < message.count, "an id outside the message")
        let hasAttributes = places.attributes > 0 && message[places.attributes] == UInt8(ascii: "{")
        precondition(
            hasAttributes == (envelope.attributes.count > 0 || envelope.takesTrace && trace != nil),
            "attributes that are not where they are said to be")
        for index in message.indices { precondition(message[index] >= 0x20, "a message of more than one line") }
        precondition((try? JSONReader.validate(message)) != nil, "a message that is no JSON")
    }
#endif
