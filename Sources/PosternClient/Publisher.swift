/// Publishes, again where the server was away: each message has an idempotency key, so that one whose reply was lost is not
/// stored twice. One thread.
public final class Publisher {
    private let session: Session
    private let retryMilliseconds: Int

    /// - Parameter retryMilliseconds: how long to try again where the server is away or asks to wait.
    public init(_ server: ServerAddress, retryMilliseconds: Int) throws(ClientFailure) {
        session = try Session(server)
        self.retryMilliseconds = retryMilliseconds
    }

    /// Publishes one message whose body is `data`.
    /// - Parameter fields: header fields; among them `Idempotency-Key`.
    /// - Returns: the receipt.
    public func publish(_ data: [UInt8], to topic: String, fields: [String]) throws(ClientFailure) -> JSONValue {
        try retrying { () throws(ClientFailure) in
            try session.request(ServerAddress.messagesPath(topic), fields: fields, body: data).json()
        }
    }

    /// Publishes envelopes, lines of JSON, all or none.
    /// - Returns: the receipts.
    public func publish(_ envelopes: [[UInt8]]) throws(ClientFailure) -> JSONValue {
        let body = envelopes.reduce(into: []) { body, line in body += line + [UInt8(ascii: "\n")] }
        return try retrying { () throws(ClientFailure) in
            try session.request("/v1/messages", fields: ["Content-Type: application/x-ndjson"], body: body).json()
        }
    }

    private func retrying(_ body: () throws(ClientFailure) -> JSONValue) throws(ClientFailure) -> JSONValue {
        var backoff = Backoff()
        let end = Clock.milliseconds + UInt64(retryMilliseconds)
        while true {
            do throws(ClientFailure) { return try body() } catch {
                let wait = max(backoff.next(), (error.retryAfterSeconds ?? 0) * 1000)
                guard error.isPassing, !Interrupt.isPending, Clock.milliseconds + UInt64(wait) < end else {
                    throw error
                }
                Clock.sleep(milliseconds: wait)
            }
        }
    }

    /// 128 random bits, as an idempotency key.
    public static func newKey() -> String {
        let digits = String(UInt64.random(in: 0 ... .max), radix: 36) + String(UInt64.random(in: 0 ... .max), radix: 36)
        return "cli-" + digits
    }
}
