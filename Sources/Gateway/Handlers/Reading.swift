import Arenas
import EventLoop
import HTTP
import JSON
import PubSub

/// What a read was asked in, beyond what the log needs: it goes into the reply, and is kept with a parked poll.
struct PollForm: Equatable {
    /// How long an empty poll is parked; 0 to answer at once.
    var waitMilliseconds = 0
    var fate = ConnectionFate.staysOpen
    var skipsGaps = false

    /// The same as one number, for a waiter.
    var packed: UInt32 {
        UInt32(waitMilliseconds) | UInt32(fate.rawValue) << 16 | (skipsGaps ? 1 << 18 : 0)
    }

    init() {}

    init(packed: UInt32) {
        waitMilliseconds = Int(packed & 0xFFFF)
        fate = ConnectionFate(rawValue: UInt8(packed >> 16 & 3)) ?? .closes
        skipsGaps = packed >> 18 & 1 == 1
    }
}

/// `GET /v1/topics/{topic}/messages`: one poll, perhaps parked.
extension LoopCore {
    mutating func readMessages(
        _ id: ConnectionID, _ request: borrowing Request, _ arena: borrowing ScopedArena
    ) throws(APIProblem) -> Int {
        let parameters = Parameters(request.head.query, of: request.bytes)
        try parameters.check(.read)
        try checkForm(request, parameters, arena)
        let selection = try selection(request, arena)
        var form = PollForm()
        form.fate = request.fate
        form.skipsGaps = try gap(parameters, arena)
        form.waitMilliseconds = request.isHead ? 0 : try wait(parameters, arena)
        let limit = try parameters.integer(
            "limit", 1...Limits.pollMessages, orElse: Limits.defaultPollMessages,
            "a whole number from 1 to 1000 is wanted", in: arena)
        let from = try start(parameters, arena)
        // A loop that drains parks nobody.
        let parks = form.waitMilliseconds > 0 && !isDraining
        let read = ReadRequest(
            start: from.start, limit: limit, maximumBytes: Limits.pollBytes, skipsGaps: form.skipsGaps, watches: parks,
            nowMicroseconds: loop.wallClockMicroseconds)

        let target: ReadTarget = selection.kind == .exact ? .name(selection.text) : .pattern(selection.text)
        if from.isForeign, !form.skipsGaps { throw .cursorGone(earliest: earliest(of: target)) }
        let before = replies.output.count
        let outcome: ReadOutcome
        do throws(ReadError) {
            outcome = try replies.poll(
                reader, target, read, form, epoch: log.epoch, foreign: from.isForeign ? from.cursor : nil,
                isHead: request.isHead)
        } catch {
            replies.output.truncate(to: before)
            throw problem(error)
        }
        metrics.delivered.add(outcome.count)
        let isTold = outcome.count > 0 || outcome.isPartial || outcome.lostThrough != nil || from.isForeign
        guard parks, !isTold else { return 200 }
        replies.output.truncate(to: before)
        try park(id, outcome, selection.text, limit, form)
        return 0
    }

    /// The first position from which nothing of a selection is lost.
    private func earliest(of target: borrowing ReadTarget) -> Cursor {
        let probe = ReadRequest(
            start: .after(0), limit: 1, maximumBytes: 1, nowMicroseconds: loop.wallClockMicroseconds)
        var sequence: UInt64 = 0
        do throws(ReadError) { _ = try reader.read(target, probe) { _ in } } catch {
            if case .gone(let earliest) = error { sequence = earliest }
        }
        return Cursor(epoch: log.epoch, sequence: sequence)
    }

    // MARK: What is asked

    @_lifetime(copy request, borrow arena)
    private func selection(
        _ request: borrowing Request, _ arena: borrowing ScopedArena
    ) throws(APIProblem) -> Selection {
        let text: Span<UInt8>
        do throws(PercentError) {
            text = try PercentDecoding.decode(request.bytes.extracting(request.parameter), as: .path, in: arena)
        } catch {
            throw .from(error, parameter: "topic")
        }
        do throws(TopicError) {
            return Selection(text: text, kind: try TopicPattern.validate(text))
        } catch {
            throw .invalidPattern(error)
        }
    }

    /// The one form there is: JSON. What the client can use is looked at all the same, so that it never gets another.
    private func checkForm(
        _ request: borrowing Request, _ parameters: borrowing Parameters, _ arena: borrowing ScopedArena
    ) throws(APIProblem) {
        if let format = try parameters.value("format", in: arena) {
            guard format.equals("json") else { throw .invalidParameter("format", "json is wanted") }
            return
        }
        var acceptance = Acceptance(type: "application", subtype: "json")
        for index in 0..<request.head.fieldCount {
            let field = parser.field(at: index)
            if field.name.count == 6, request.bytes.begins(with: "accept", in: field.name) {
                acceptance.add(request.bytes.extracting(field.value))
            }
        }
        guard acceptance.quality > 0 else {
            throw APIProblem(406, "not_acceptable", "messages are served as application/json")
        }
    }

    private func gap(
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

    /// Where a read begins; `isForeign` where the client's cursor is of another log.
    private func start(
        _ parameters: borrowing Parameters, _ arena: borrowing ScopedArena
    ) throws(APIProblem) -> (start: ReadRequest.Start, cursor: Cursor?, isForeign: Bool) {
        let after = try parameters.value("after", in: arena)
        let since = try parameters.value("since", in: arena)
        if let after {
            guard since == nil else { throw .invalidParameter("since", "either after or since, not both") }
            guard let cursor = Cursor(parsing: after) else {
                throw APIProblem(400, "invalid_cursor", "this is no cursor of this server").with {
                    $0.parameter = "after"
                }
            }
            // Another log's cursor tells nothing of what was read of this one.
            let isForeign = cursor.epoch != log.epoch || cursor.sequence > log.lastSequence
            return (.after(isForeign ? 0 : cursor.sequence), cursor, isForeign)
        }
        guard let since else { return (.earliest, nil, false) }
        return (try begin(since), nil, false)
    }

    private func begin(_ since: Span<UInt8>) throws(APIProblem) -> ReadRequest.Start {
        if since.equals("earliest") { return .earliest }
        if since.equals("latest") { return .latest }
        if let age = Duration.microseconds(since) { return .since(microseconds: loop.wallClockMicroseconds - age) }
        if let time = Timestamp(parsing: since) { return .since(microseconds: time.microseconds) }
        throw .invalidParameter("since", "earliest, latest, a time such as 10m, or an RFC 3339 time is wanted")
    }

    func problem(_ error: ReadError) -> APIProblem {
        switch error {
        case .gone(let earliest): .cursorGone(earliest: Cursor(epoch: log.epoch, sequence: earliest))
        case .tooManyTopics: .from(.tooManyTopics)
        }
    }
}

/// What a read selects, as text, and whether it is one topic.
struct Selection: ~Escapable {
    let text: Span<UInt8>
    let kind: TopicPattern.Kind

    @_lifetime(copy text)
    init(text: Span<UInt8>, kind: TopicPattern.Kind) {
        self.text = text
        self.kind = kind
    }
}

extension Replies {
    /// Reads, and writes the whole reply: `{"messages":[…],"next":"CURSOR"}`, the same in `Cursor` and `Link`.
    mutating func poll(
        _ reader: any LogReader, _ target: borrowing ReadTarget, _ request: ReadRequest, _ form: PollForm, epoch: Epoch,
        foreign: Cursor? = nil, isHead: Bool
    ) throws(ReadError) -> ReadOutcome {
        begin(200, "application/json", form.fate)
        output.append("Cache-Control: no-store\r\nCursor: ")
        let cursorField = blankCursor()
        output.append("\r\nLink: <?after=")
        let linkField = blankCursor()
        if form.waitMilliseconds > 0 {
            member("&wait=", form.waitMilliseconds)
            output.append("ms")
        }
        if request.limit != Limits.defaultPollMessages { member("&limit=", request.limit) }
        output.append(form.skipsGaps ? "&gap=skip>; rel=\"next\"\r\n" : ">; rel=\"next\"\r\n")
        let mark = ResponseWriter.beginBody(to: &output)
        output.append("{\"messages\":[")
        let outcome = try messages(reader, target, request)
        output.append("],")
        if case .after(let position) = request.start, outcome.lostThrough != nil || foreign != nil {
            output.append("\"gap\":{\"after\":")
            cursor(foreign ?? Cursor(epoch: epoch, sequence: position))
            output.append(",\"earliest\":")
            cursor(Cursor(epoch: epoch, sequence: outcome.lostThrough ?? position))
            output.append("},")
        }
        output.append("\"next\":")
        let next = Cursor(epoch: epoch, sequence: outcome.next)
        cursor(next)
        output.append("}")
        var bytes = output.mutableSpan
        next.write(over: &bytes, at: cursorField)
        next.write(over: &bytes, at: linkField)
        ResponseWriter.endBody(mark, isOmitted: isHead, to: &output)
        return outcome
    }

    private mutating func messages(
        _ reader: any LogReader, _ target: borrowing ReadTarget, _ request: ReadRequest
    ) throws(ReadError) -> ReadOutcome {
        var isFirst = true
        return try reader.read(target, request) { message in
            if !isFirst { output.append(",") }
            isFirst = false
            output.append(contentsOf: message)
        }
    }

    /// Room for a cursor that is known later.
    private mutating func blankCursor() -> Int {
        output.append("00000000000000000000000")
        return output.count - Cursor.byteCount
    }

    /// The reply to a poll that found nothing: the client goes on where it was.
    mutating func emptyPoll(_ waiter: Waiter, epoch: Epoch, closes: Bool) {
        var form = PollForm(packed: waiter.form)
        if closes { form.fate = .closes }
        let next = Cursor(epoch: epoch, sequence: waiter.next)
        begin(200, "application/json", form.fate)
        output.append("Cache-Control: no-store\r\nCursor: ")
        next.write(to: &output)
        output.append("\r\nLink: <?after=")
        next.write(to: &output)
        member("&wait=", form.waitMilliseconds)
        output.append("ms")
        if Int(waiter.limit) != Limits.defaultPollMessages { member("&limit=", Int(waiter.limit)) }
        output.append(form.skipsGaps ? "&gap=skip>; rel=\"next\"\r\n" : ">; rel=\"next\"\r\n")
        let mark = ResponseWriter.beginBody(to: &output)
        output.append("{\"messages\":[],\"next\":")
        cursor(next)
        output.append("}")
        ResponseWriter.endBody(mark, to: &output)
    }
}
