import Arenas
import HTTP
import PubSub

/// What a read asks for, as its parameters and header fields say.
struct ReadQuery {
    var form = ReadForm()
    var limit = Limits.defaultPollMessages
    var start = ReadRequest.Start.earliest
    /// The client's cursor where it is another log's: it tells nothing of what was read of this one.
    var foreign: Cursor?
}

/// What a read selects: topics as text, whether that is one topic, and a filter.
struct Selection: ~Escapable {
    let subscription: Subscription
    let kind: TopicPattern.Kind

    @_lifetime(copy subscription)
    init(_ subscription: Subscription, kind: TopicPattern.Kind) {
        self.subscription = subscription
        self.kind = kind
    }

    var target: ReadTarget {
        @_lifetime(copy self)
        get { kind == .exact ? .name(subscription.topics) : .pattern(subscription.topics) }
    }
}

extension LoopCore {
    /// The topics of a read's path, and its filter.
    @_lifetime(copy request, borrow arena)
    func selection(
        _ request: borrowing Request, _ parameters: borrowing Parameters, _ arena: borrowing ScopedArena
    ) throws(APIProblem) -> Selection {
        let topics: Span<UInt8>
        do throws(PercentError) {
            topics = try PercentDecoding.decode(request.bytes.extracting(request.parameter), as: .path, in: arena)
        } catch {
            throw .from(error, parameter: "topic")
        }
        let kind: TopicPattern.Kind
        do throws(TopicError) { kind = try TopicPattern.validate(topics) } catch { throw .invalidPattern(error) }
        let filter = try FilterParameter.compile(parameters, in: arena)
        guard !filter.isEmpty else { return Selection(Subscription(packed: topics), kind: kind) }
        var packed = ArenaBuffer(in: arena, capacity: topics.count + filter.compiled.count + 1)
        Subscription.pack(topics: topics, filter: filter, to: &packed)
        do throws(ArenaError) { return Selection(Subscription(packed: try packed.finish()), kind: kind) } catch {
            throw .from(error)
        }
    }

    /// Everything else that a read asks for.
    func readQuery(
        _ request: borrowing Request, _ parameters: borrowing Parameters, _ arena: borrowing ScopedArena
    ) throws(APIProblem) -> ReadQuery {
        var query = ReadQuery()
        query.form.kind = try formKind(request, parameters, arena)
        query.form.origin = replies.origin
        query.form.skipsGaps = try skipsGaps(parameters, arena)
        if query.form.kind == .poll {
            query.form.fate = request.fate
            query.form.waitMilliseconds = request.isHead ? 0 : try wait(parameters, arena)
            query.limit = try parameters.integer(
                "limit", 1...Limits.pollMessages, orElse: Limits.defaultPollMessages,
                "a whole number from 1 to 1000 is wanted", in: arena)
        } else {
            query.form.fate = .closes
            query.form.isChunked = request.head.minorVersion > 0
            for name: StaticString in ["wait", "limit"] where try parameters.value(name, in: arena) != nil {
                throw .invalidParameter(name, "a stream goes on by itself; only a poll has a wait and a limit")
            }
        }
        let cursor = try startCursor(&query, request, parameters, arena)
        guard let cursor else { return query }
        let isForeign = cursor.epoch != log.epoch || cursor.sequence > log.lastSequence
        query.start = .after(isForeign ? 0 : cursor.sequence)
        query.foreign = isForeign ? cursor : nil
        return query
    }

    /// `format`, or what `Accept` weighs highest; a poll where nothing is said.
    private func formKind(
        _ request: borrowing Request, _ parameters: borrowing Parameters, _ arena: borrowing ScopedArena
    ) throws(APIProblem) -> ReadForm.Kind {
        if let format = try parameters.value("format", in: arena) {
            if format.equals("json") { return .poll }
            if format.equals("sse") { return .eventStream }
            if format.equals("ndjson") { return .lines }
            throw .invalidParameter("format", "json, sse or ndjson is wanted")
        }
        var poll = Acceptance(type: "application", subtype: "json")
        var events = Acceptance(type: "text", subtype: "event-stream")
        var lines = Acceptance(type: "application", subtype: "x-ndjson")
        for index in 0..<request.head.fieldCount {
            let field = parser.field(at: index)
            guard field.name.count == 6, request.bytes.begins(with: "accept", in: field.name) else { continue }
            let value = request.bytes.extracting(field.value)
            poll.add(value)
            events.add(value)
            lines.add(value)
        }
        if events.quality > poll.quality, events.quality >= lines.quality { return .eventStream }
        if lines.quality > poll.quality { return .lines }
        guard poll.quality > 0 else {
            throw APIProblem(
                406, "not_acceptable",
                "messages are served as application/json, text/event-stream and application/x-ndjson")
        }
        return .poll
    }

    private func skipsGaps(
        _ parameters: borrowing Parameters, _ arena: borrowing ScopedArena
    ) throws(APIProblem) -> Bool {
        guard let gap = try parameters.value("gap", in: arena) else { return false }
        guard gap.equals("skip") else { throw .invalidParameter("gap", "skip is wanted") }
        return true
    }

    private func wait(_ parameters: borrowing Parameters, _ arena: borrowing ScopedArena) throws(APIProblem) -> Int {
        guard let text = try parameters.value("wait", in: arena) else { return 0 }
        guard let time = Duration.microseconds(text), time <= Int64(Limits.waitMilliseconds) * 1000 else {
            throw APIProblem.invalidParameter("wait", "a time from 0s to 60s is wanted").with { $0.limit = 60 }
        }
        return Int(time / 1000)
    }

    // MARK: Where a read begins

    /// The cursor to go on from; nil where the client has none, and `query.start` is set to what it says instead.
    ///
    /// `Last-Event-ID` is what an EventSource adds to the URL it was made with, so it beats what that says.
    private func startCursor(
        _ query: inout ReadQuery, _ request: borrowing Request, _ parameters: borrowing Parameters,
        _ arena: borrowing ScopedArena
    ) throws(APIProblem) -> Cursor? {
        let after = try parameters.value("after", in: arena)
        let since = try parameters.value("since", in: arena)
        if query.form.kind == .poll, after != nil, since != nil {
            throw .invalidParameter("since", "either after or since, not both")
        }
        if let since { query.start = try begin(since) }
        var cursor: Cursor?
        if let after {
            cursor = Cursor(parsing: after)
            guard cursor != nil else { throw .invalidCursor.with { $0.parameter = "after" } }
        }
        if query.form.kind == .eventStream, let field = parser.value(named: "last-event-id", in: request.bytes) {
            let text = request.bytes.extracting(field.range)
            guard text.count > 0 else { return cursor }
            guard let last = Cursor(parsing: text), !field.isRepeated else {
                throw .invalidCursor.with { $0.parameter = "Last-Event-ID" }
            }
            cursor = last
        }
        return cursor
    }

    private func begin(_ since: Span<UInt8>) throws(APIProblem) -> ReadRequest.Start {
        if since.equals("earliest") { return .earliest }
        if since.equals("latest") { return .latest }
        if let age = Duration.microseconds(since) { return .since(microseconds: loop.wallClockMicroseconds - age) }
        if let time = Timestamp(parsing: since) { return .since(microseconds: time.microseconds) }
        throw .invalidParameter("since", "earliest, latest, a time such as 10m, or an RFC 3339 time is wanted")
    }
}
