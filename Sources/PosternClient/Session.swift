import CCurl

/// Requests to a server over one connection, which libcurl keeps open. One thread at a time.
public final class Session {
    public let server: ServerAddress
    private let transfer: Transfer

    public init(_ server: ServerAddress) throws(ClientFailure) {
        self.server = server
        transfer = try Transfer(server)
    }

    /// A reply that was read to its end.
    public struct Reply: Sendable {
        public var status: Int
        public var body: [UInt8]

        /// Its body as JSON.
        public func json() throws(ClientFailure) -> JSONValue {
            guard let value = JSONValue(parsing: body.span) else {
                throw ClientFailure(.notUnderstood, "the server's answer is no JSON; is it Postern that answers there?")
            }
            return value
        }
    }

    /// Most bytes of a reply that are kept: more than a server sends at once.
    private static let maximumBytes = 256 << 20

    private static let maximumRefusalBytes = 64 << 10

    /// Makes a request and reads its reply.
    /// - Parameters:
    ///   - path: with its query, percent-encoded.
    ///   - body: what is posted; nil for a GET.
    ///   - extraMilliseconds: how much longer the reply may take, as the request asks to wait.
    /// - Throws: what came in place of a reply of 200 to 299.
    public func request(
        _ path: String, fields: [String] = [], body: [UInt8]? = nil, extraMilliseconds: Int = 0
    ) throws(ClientFailure) -> Reply {
        try success(anyReply(path, fields: fields, body: body, extraMilliseconds: extraMilliseconds))
    }

    /// The reply that came last, where it is one of 200 to 299.
    func success(_ reply: Reply) throws(ClientFailure) -> Reply {
        guard (200...299).contains(reply.status) else { throw Self.failure(reply.status, reply.body, retryAfter) }
        return reply
    }

    /// Deletes what is there.
    public func delete(_ path: String) throws(ClientFailure) -> Reply { try anyReply(path, deletes: true) }

    /// A request and its reply, whatever the reply's status.
    public func anyReply(
        _ path: String, fields: [String] = [], body: [UInt8]? = nil, extraMilliseconds: Int = 0, deletes: Bool = false
    ) throws(ClientFailure) -> Reply {
        var reply = Reply(status: 0, body: [])
        retryAfter = nil
        let (status, code) = transfer.perform(
            url: server.url + path, fields: self.fields(fields), body: body, deletes: deletes,
            connectMilliseconds: server.connectMilliseconds,
            totalMilliseconds: server.timeoutMilliseconds + extraMilliseconds,
            receiver: Transfer.Receiver(
                head: { line in
                    self.noteField(line)
                    return true
                },
                body: { piece in
                    guard reply.body.count + piece.count <= Self.maximumBytes else { return false }
                    for index in piece.indices { reply.body.append(piece[index]) }
                    return true
                }))
        guard code == 0 else { throw failure(code) }
        reply.status = status
        return reply
    }

    /// Reads a reply as it comes, for as long as it comes.
    /// - Parameters:
    ///   - silenceSeconds: how long nothing may come of it once it began; 0 for as long as it likes.
    ///   - head: called with each field's name, in small letters, and value, once it is known that the reply is 200.
    ///   - isOver: asked about once a second whether to give it up.
    ///   - body: called with each piece; false ends it.
    /// - Returns: when the reply is over, or `isOver` or `body` ended it.
    /// - Throws: what came in place of a reply of 200, or cut it off.
    public func stream(
        _ path: String, fields: [String] = [], silenceSeconds: Int, head: (String, String) -> Void,
        isOver: () -> Bool = { Interrupt.isPending }, body: (Span<UInt8>) -> Bool
    ) throws(ClientFailure) {
        var isEnough = false
        var refusal: [UInt8] = []
        var status = 0
        var lastMilliseconds = Clock.milliseconds
        var isSilent = false
        retryAfter = nil
        let (_, code) = withoutActuallyEscaping(head) { head in
            withoutActuallyEscaping(isOver) { isOver in
                withoutActuallyEscaping(body) { body in
                    transfer.perform(
                        url: server.url + path, fields: self.fields(fields), body: nil,
                        connectMilliseconds: server.connectMilliseconds, totalMilliseconds: 0,
                        receiver: Transfer.Receiver(
                            head: { line in
                                lastMilliseconds = Clock.milliseconds
                                if let number = Self.status(line) { status = number }
                                self.noteField(line)
                                if status == 200, let (name, value) = Self.field(line) { head(name, value) }
                                return true
                            },
                            body: { piece in
                                lastMilliseconds = Clock.milliseconds
                                if status == 200 {
                                    isEnough = !body(piece)
                                    return !isEnough
                                }
                                guard refusal.count + piece.count <= Self.maximumRefusalBytes else { return false }
                                for index in piece.indices { refusal.append(piece[index]) }
                                return true
                            },
                            isOver: {
                                isEnough = isEnough || isOver()
                                let most = status == 0 ? self.server.timeoutMilliseconds : silenceSeconds * 1000
                                isSilent = most > 0 && Clock.milliseconds - lastMilliseconds > UInt64(most)
                                return isEnough || isSilent
                            }))
                }
            }
        }
        if isEnough { return }
        if isSilent {
            throw ClientFailure(
                .tryLater,
                status == 0
                    ? "\(server.url) did not answer in time" : "\(server.url) was silent for \(silenceSeconds) s")
        }
        guard status == 200 || status == 0 else { throw Self.failure(status, refusal, retryAfter) }
        guard code == 0 else { throw failure(code) }
    }

    // MARK: Heads

    /// What the last reply asked for with `Retry-After`, in seconds.
    private var retryAfter: Int?

    private func noteField(_ line: Span<UInt8>) {
        if let (name, value) = Self.field(line), name == "retry-after" {
            // No longer than a day, whoever says so.
            retryAfter = Int(value).map { min(max($0, 0), 86_400) }
        }
    }

    private func fields(_ more: [String]) -> [String] {
        // libcurl's own Expect: 100-continue would cost a round trip.
        var fields = ["User-Agent: postern", "Expect:"] + more
        if let token = server.token { fields.append("Authorization: Bearer \(token)") }
        return fields
    }

    private static func text(_ line: Span<UInt8>) -> String {
        String(decoding: line.indices.map { line[$0] }, as: UTF8.self)
    }

    private static func status(_ line: Span<UInt8>) -> Int? {
        let text = text(line)
        guard text.hasPrefix("HTTP/") else { return nil }
        return Int(text.split(separator: " ").dropFirst().first ?? "")
    }

    private static func field(_ line: Span<UInt8>) -> (String, String)? {
        let text = text(line)
        guard let colon = text.firstIndex(of: ":") else { return nil }
        let value = text[text.index(after: colon)...].split { $0 == " " || $0 == "\r\n" || $0 == "\t" }
        return (text[..<colon].lowercased(), value.joined(separator: " "))
    }

    // MARK: Failures

    private func failure(_ code: Int32) -> ClientFailure {
        let why = transfer.explanation(code)
        let place = server.url
        switch postern_curl_code(rawValue: UInt32(code)) {
        case POSTERN_CURL_UNKNOWN_HOST, POSTERN_CURL_UNKNOWN_PROXY:
            return ClientFailure(.unknownHost, "\(place): \(why)")
        case POSTERN_CURL_TIMEOUT: return ClientFailure(.tryLater, "\(place) did not answer in time: \(why)")
        case POSTERN_CURL_TLS_CONNECT, POSTERN_CURL_TLS_CERTIFICATE, POSTERN_CURL_TLS_CIPHER, POSTERN_CURL_TLS_PEER,
            POSTERN_CURL_TLS_AUTHORITIES:
            return ClientFailure(.notTrusted, "\(place): \(why)")
        case POSTERN_CURL_ABORTED: return ClientFailure(.tryLater, "interrupted")
        case POSTERN_CURL_WRITE_ERROR: return ClientFailure(.notUnderstood, "\(place): the answer is too long")
        default: return ClientFailure(.unreachable, "\(place): \(why)")
        }
    }

    /// What a reply that is no success says.
    static func failure(_ status: Int, _ body: [UInt8], _ retryAfter: Int?) -> ClientFailure {
        let problem = JSONValue(parsing: body.span)
        guard let code = problem?["code"]?.string else {
            return ClientFailure(
                status == 503 || status == 429 ? .tryLater : .notUnderstood,
                "the server answered \(status), and not as Postern does", retryAfterSeconds: retryAfter)
        }
        var text = problem?["detail"]?.string ?? problem?["title"]?.string ?? "refused"
        for name in ["parameter", "suggestion", "earliest"] {
            if let value = problem?[name]?.string { text += ", \(name): \(value)" }
        }
        let ending: ExitStatus =
            switch status {
            case 401, 403: .notAllowed
            case 408, 429, 500...599: .tryLater
            default: .refused
            }
        return ClientFailure(ending, "\(text) (\(status) \(code))", retryAfterSeconds: retryAfter)
    }
}
