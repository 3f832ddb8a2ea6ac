import PubSub

/// Why a request is refused, as the client is told: RFC 9457 `application/problem+json` with a stable `code`.
///
/// One closed set; each case names the parameter, limit or offset that a person needs to mend the request.
struct APIProblem: Error {
    /// HTTP status code.
    var status: Int
    /// Stable, snake_case; documented in `openapi.yaml`.
    var code: StaticString
    /// A sentence for a person.
    var detail: StaticString
    /// What stands before it, where the sentence has two parts.
    var detailPrefix: StaticString?
    /// The parameter, header or field at fault, where the server knows its name.
    var parameter: StaticString?
    /// The same where only the client knows it: a range of the request's bytes.
    var parameterRange: Range<Int>?
    /// Byte offset at which the body, topic or value broke.
    var offset: Int?
    /// The bound that was passed.
    var limit: Int?
    /// What was probably meant.
    var suggestion: StaticString?
    /// Where in a batch: the message's index and the field.
    var messageIndex: Int?
    var field: StaticString?
    /// The same where only the client knows the field.
    var unknownField: ShortText?
    /// Where to go on reading.
    var earliest: Cursor?
    /// Seconds after which to try again.
    var retryAfterSeconds: Int?
    /// What `Allow` says.
    var allow: StaticString?
    /// Which of its limits a client is over.
    var limitedBy: StaticString?
    /// What `WWW-Authenticate` says.
    var challenge: StaticString?
    /// Nothing that follows on this connection can be trusted.
    var closesConnection = false

    init(_ status: Int, _ code: StaticString, _ detail: StaticString) {
        self.status = status
        self.code = code
        self.detail = detail
    }

    func with(_ change: (inout APIProblem) -> Void) -> APIProblem {
        var copy = self
        change(&copy)
        return copy
    }
}

extension APIProblem {
    static func invalidParameter(_ name: StaticString, _ detail: StaticString) -> APIProblem {
        APIProblem(400, "invalid_parameter", detail).with { $0.parameter = name }
    }

    static var invalidCursor: APIProblem { APIProblem(400, "invalid_cursor", "this is no cursor of this server") }

    static func invalidHeader(_ name: StaticString, _ detail: StaticString) -> APIProblem {
        APIProblem(400, "invalid_header", detail).with { $0.parameter = name }
    }

    static func invalidTopic(_ error: TopicError) -> APIProblem {
        APIProblem(400, "invalid_topic", error.explanation).with {
            $0.parameter = "topic"
            $0.offset = error.offset
        }
    }

    static func invalidPattern(_ error: TopicError) -> APIProblem {
        invalidTopic(error).with { $0.code = "invalid_pattern" }
    }

    static func payloadTooLarge(limit: Int) -> APIProblem {
        APIProblem(413, "payload_too_large", "the body is larger than this server takes").with {
            $0.limit = limit
            $0.closesConnection = true
        }
    }

    static func overloaded(_ detail: StaticString) -> APIProblem {
        APIProblem(503, "overloaded", detail).with { $0.retryAfterSeconds = 1 }
    }

    static func cursorGone(earliest: Cursor) -> APIProblem {
        APIProblem(
            410, "cursor_gone",
            "messages behind this cursor are gone; go on with after=<earliest>, or repeat the request with gap=skip"
        ).with { $0.earliest = earliest }
    }

    static func from(_ error: LogError) -> APIProblem {
        switch error {
        case .tooManyTopics:
            APIProblem(503, "too_many_topics", "this server holds as many topics as it may").with {
                $0.retryAfterSeconds = 10
            }
        case .messageTooLarge:
            APIProblem(413, "payload_too_large", "the message is larger than the log may hold")
        case .busy:
            overloaded("readers hold the memory that this message needs")
        case .behind:
            overloaded("the disk does not keep up with what is published")
        case .scheduleFull:
            APIProblem(503, "schedule_full", "as many messages wait for their time as may").with {
                $0.retryAfterSeconds = 60
            }
        case .full:
            APIProblem(507, "storage_full", "the disk is full; the message was not stored").with {
                $0.retryAfterSeconds = 10
            }
        case .failed:
            APIProblem(503, "storage_failed", "the disk failed; messages can be read, and none is stored").with {
                $0.retryAfterSeconds = 60
            }
        }
    }

    static var topicNotFound: APIProblem { APIProblem(404, "topic_not_found", "there is no such topic") }
    static var notFound: APIProblem { APIProblem(404, "not_found", "there is nothing at this path") }
}

/// The first bytes of what a client sent, to be told back.
struct ShortText {
    private var bytes = InlineArray<48, UInt8>(repeating: 0)
    private(set) var count = 0

    init(_ text: Span<UInt8>) {
        count = min(text.count, 48)
        for index in 0..<count { bytes[index] = text[index] }
        // No character is cut in half.
        while count > 0, count < text.count, text[count] & 0xC0 == 0x80 { count -= 1 }
    }

    var span: Span<UInt8> {
        @_lifetime(borrow self)
        borrowing get { bytes.span.extracting(0..<count) }
    }
}
