import Glibc

/// Reads messages in order, and goes on where it was cut off: nothing is lost and nothing comes twice.
///
/// One thread.
public final class Subscription {
    public struct Options: Sendable {
        public var pattern: String
        /// A cursor to go on behind; beats `since`.
        public var after: String?
        public var since: String?
        public var filters: [String] = []
        /// How many messages are wanted; nil for all.
        public var limit: Int?
        /// Whether to wait for what comes; else what is there is read, and that is it.
        public var follows = false
        /// Whether messages that were lost to retention end it.
        public var failsOnGap = false
        /// How long the server may be away, in milliseconds; nil for as long as it likes once it was there.
        public var retryMilliseconds: Int?

        public init(pattern: String) { self.pattern = pattern }
    }

    /// What is told beside messages.
    public enum Notice: Sendable {
        /// Messages behind one cursor and before another are lost to retention.
        case gap(after: String, earliest: String)
        /// The connection is lost; it is tried again in so many milliseconds.
        case disconnected(ClientFailure, retryMilliseconds: Int)
        case connected
    }

    private let options: Options
    private let session: Session
    /// Where everything before was handed out.
    private var position: String?
    private var count = 0
    private var backoff = Backoff()
    private var wasConnected = false
    private var lostAt: UInt64?

    public init(_ options: Options, of server: ServerAddress) throws(ClientFailure) {
        self.options = options
        position = options.after
        session = try Session(server)
    }

    /// A stream that is silent for so long is given up: four times what a server's heartbeat is unless it is set.
    private static let silenceSeconds = 60
    private static let pollMessages = 1000

    /// Hands out messages until there is an end to them, or an interrupt.
    /// - Parameters:
    ///   - take: handed each message. What it throws ends the subscription.
    ///   - reach: called with a cursor when everything up to it was taken: what to remember.
    ///   - notice: told what is no message.
    public func run(
        take: (ReceivedMessage) throws(ClientFailure) -> Void, reach: (String) throws(ClientFailure) -> Void,
        notice: (Notice) -> Void
    ) throws(ClientFailure) {
        while !Interrupt.isPending {
            do throws(ClientFailure) {
                if try pass(take, reach, notice) { return }
                // A stream that the server ended; it says when it drains, and is gone for a moment.
                backoff.reset()
                pause(20)
            } catch {
                try recover(error, notice)
            }
        }
    }

    /// One stream, or one poll.
    /// - Returns: whether that was all.
    private func pass(
        _ take: (ReceivedMessage) throws(ClientFailure) -> Void, _ reach: (String) throws(ClientFailure) -> Void,
        _ notice: (Notice) -> Void
    ) throws(ClientFailure) -> Bool {
        options.follows ? try stream(take, reach, notice) : try poll(take, reach, notice)
    }

    private func query(_ more: [(name: String, value: String?)]) -> String {
        ServerAddress.messagesPath(options.pattern)
            + ServerAddress.query(
                [
                    ("after", position), ("since", position == nil ? options.since : nil),
                    ("gap", options.failsOnGap ? nil : "skip"),
                ] + more + options.filters.map { ("filter", $0) })
    }

    // MARK: Polls

    private func poll(
        _ take: (ReceivedMessage) throws(ClientFailure) -> Void, _ reach: (String) throws(ClientFailure) -> Void,
        _ notice: (Notice) -> Void
    ) throws(ClientFailure) -> Bool {
        let wanted = min(options.limit.map { $0 - count } ?? Self.pollMessages, Self.pollMessages)
        guard wanted > 0 else { return true }
        let reply = try session.request(query([("limit", String(wanted))])).json()
        isConnected(notice)
        if let gap = reply["gap"] { try tell(gap, notice) }
        guard let next = reply["next"]?.string else { throw Self.notUnderstood }
        let messages = reply["messages"]?.elements ?? []
        for json in messages {
            guard let message = ReceivedMessage(json) else { throw Self.notUnderstood }
            try take(message)
            count += 1
            try reached(message.cursor, reach)
            if Interrupt.isPending { return true }
        }
        position = next
        try reach(next)
        return messages.isEmpty || count == options.limit
    }

    // MARK: Streams

    private func stream(
        _ take: (ReceivedMessage) throws(ClientFailure) -> Void, _ reach: (String) throws(ClientFailure) -> Void,
        _ notice: (Notice) -> Void
    ) throws(ClientFailure) -> Bool {
        if count == options.limit { return true }
        var lines = LineSplitter()
        var failure: ClientFailure?
        var isPostern = false
        try session.stream(
            query([("format", "ndjson")]), silenceSeconds: Self.silenceSeconds,
            head: { name, value in
                // Where it begins, though no message may come for long.
                if name == "cursor", position == nil { position = value }
                if name == "cursor" {
                    isPostern = true
                    isConnected(notice)
                }
            },
            body: { piece in
                let before = position
                let goesOn = lines.take(piece) { line in
                    do throws(ClientFailure) { return try takeLine(line, take, notice) } catch {
                        failure = error
                        return false
                    }
                }
                do throws(ClientFailure) {
                    if let position, position != before { try reach(position) }
                } catch {
                    failure = failure ?? error
                    return false
                }
                return goesOn
            })
        if let failure { throw failure }
        guard isPostern || Interrupt.isPending else { throw Self.notUnderstood }
        return Interrupt.isPending || count == options.limit
    }

    /// - Returns: false where that was the last one wanted.
    private func takeLine(
        _ line: [UInt8], _ take: (ReceivedMessage) throws(ClientFailure) -> Void, _ notice: (Notice) -> Void
    ) throws(ClientFailure) -> Bool {
        // A sign of life.
        if line.isEmpty { return true }
        guard let json = JSONValue(parsing: line.span) else { throw Self.notUnderstood }
        guard let event = json["event"]?.string else {
            guard let message = ReceivedMessage(json) else { throw Self.notUnderstood }
            try take(message)
            position = message.cursor
            count += 1
            return count != options.limit && !Interrupt.isPending
        }
        if event == "gap" {
            try tell(json, notice)
        } else if let cursor = json["cursor"]?.string {
            position = cursor
        }
        return true
    }

    private func tell(_ gap: JSONValue, _ notice: (Notice) -> Void) throws(ClientFailure) {
        let after = gap["after"]?.string ?? "?"
        let earliest = gap["earliest"]?.string ?? "?"
        guard !options.failsOnGap else {
            throw ClientFailure(.lost, "messages behind \(after) are lost to retention; the earliest is \(earliest)")
        }
        notice(.gap(after: after, earliest: earliest))
    }

    private func reached(_ cursor: String, _ reach: (String) throws(ClientFailure) -> Void) throws(ClientFailure) {
        position = cursor
        try reach(cursor)
    }

    // MARK: Failures

    private static let notUnderstood = ClientFailure(
        .notUnderstood, "the server's answer has no messages as Postern has them")

    private func isConnected(_ notice: (Notice) -> Void) {
        if wasConnected, lostAt != nil { notice(.connected) }
        wasConnected = true
        lostAt = nil
        backoff.reset()
    }

    /// Waits before the next try.
    /// - Throws: the failure, where no other try is to be made.
    private func recover(_ failure: ClientFailure, _ notice: (Notice) -> Void) throws(ClientFailure) {
        if Interrupt.isPending { return }
        if failure.status == .refused, failure.description.contains("cursor_gone"), options.failsOnGap {
            throw ClientFailure(.lost, failure.description)
        }
        guard failure.isPassing, wasConnected && options.follows || options.retryMilliseconds != nil else {
            throw failure
        }
        let now = Clock.milliseconds
        let since = lostAt ?? now
        lostAt = since
        if let most = options.retryMilliseconds, now - since >= UInt64(most) { throw failure }
        let wait = max(backoff.next(), (failure.retryAfterSeconds ?? 0) * 1000)
        notice(.disconnected(failure, retryMilliseconds: wait))
        pause(wait)
    }

    /// Sleeps, but not through an interrupt.
    private func pause(_ milliseconds: Int) {
        let end = Clock.milliseconds + UInt64(milliseconds)
        while !Interrupt.isPending, Clock.milliseconds < end {
            Clock.sleep(milliseconds: Int(min(50, end - Clock.milliseconds)))
        }
    }
}
