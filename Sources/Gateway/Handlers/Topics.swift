import Access
import Arenas
import Clients
import HTTP
import JSON
import PubSub

/// Topics as resources: `GET /v1/topics`, and `GET`, `PUT`, `DELETE /v1/topics/{topic}`.
extension LoopCore {
    mutating func listTopics(_ request: borrowing Request, _ arena: borrowing ScopedArena) throws(APIProblem) -> Int {
        let parameters = Parameters(request.head.query, of: request.bytes)
        try parameters.check(.list)
        let limit = try parameters.integer(
            "limit", 1...Limits.pollMessages, orElse: Limits.defaultPollMessages,
            "a whole number from 1 to 1000 is wanted", in: arena)
        let prefix = try parameters.text("prefix", in: arena)
        let page = try parameters.text("page", in: arena)
        if page.count > 0 {
            do throws(TopicError) { try TopicName.validate(page) } catch {
                throw .invalidParameter("page", "what next_page said is wanted")
            }
        }
        replies.begin(200, "application/json", request.fate)
        replies.output.append("Cache-Control: no-store\r\n")
        let mark = ResponseWriter.beginBody(to: &replies.output)
        let allowed = principal?.grants.isAdmin == true ? nil : principal?.grants
        replies.topics(log, prefix: prefix, after: page, limit: limit, allowed: allowed)
        replies.endLine()
        ResponseWriter.endBody(mark, isOmitted: request.isHead, to: &replies.output)
        return 200
    }

    mutating func getTopic(_ request: borrowing Request, _ arena: borrowing ScopedArena) throws(APIProblem) -> Int {
        try Parameters(request.head.query, of: request.bytes).check(.none)
        let name = try topicName(request, arena)
        try checkMaySee(name)
        guard let topic = log.topic(name) else { throw .topicNotFound }
        replyTopic(200, name, topic, request)
        return 200
    }

    mutating func putTopic(_ request: borrowing Request, _ arena: borrowing ScopedArena) throws(APIProblem) -> Int {
        try Parameters(request.head.query, of: request.bytes).check(.none)
        let name = try topicName(request, arena)
        if let type = parser.value(named: "content-type", in: request.bytes) {
            guard MediaType(parsing: request.bytes.extracting(type.range))?.kind == .json else {
                throw APIProblem(
                    415, "unsupported_media_type",
                    "a topic's settings are application/json; say so in Content-Type (curl --json does)")
            }
        }
        let retention = try TopicSettings.decode(request.body, in: arena)
        if limitsTopics, log.topic(name) == nil { try charge(RateCost(topics: 1)) }
        let result: (created: Bool, topic: TopicSnapshot, commit: Commit)
        do throws(LogError) {
            result = try log.configure(name, retention: retention, nowMicroseconds: loop.wallClockMicroseconds)
        } catch {
            throw .from(error)
        }
        awaitCommit(result.commit)
        let status = result.created ? 201 : 200
        replyTopic(status, name, result.topic, request)
        return status
    }

    mutating func deleteTopic(_ request: borrowing Request, _ arena: borrowing ScopedArena) throws(APIProblem) -> Int {
        try Parameters(request.head.query, of: request.bytes).check(.none)
        let name = try topicName(request, arena)
        let commit: Commit?
        do throws(LogError) { commit = try log.delete(name) } catch { throw .from(error) }
        guard let commit else { throw .topicNotFound }
        awaitCommit(commit)
        replies.noContent(request.fate)
        return 204
    }

    private mutating func replyTopic(
        _ status: Int, _ name: Span<UInt8>, _ topic: TopicSnapshot, _ request: borrowing Request
    ) {
        replies.begin(status, "application/json", request.fate)
        replies.output.append("Cache-Control: no-store\r\n")
        let mark = ResponseWriter.beginBody(to: &replies.output)
        replies.topic(name, topic, epoch: log.epoch)
        replies.endLine()
        ResponseWriter.endBody(mark, isOmitted: request.isHead, to: &replies.output)
    }
}

extension Replies {
    /// - Parameter allowed: whose topics are shown; all where nil. Nothing tells of the others, where pages end included.
    mutating func topics(
        _ log: any MessageLog, prefix: Span<UInt8>, after: Span<UInt8>, limit: Int, allowed: Grants?
    ) {
        output.append("{\"topics\":[")
        var count = 0
        var lastStart = 0
        var lastCount = 0
        var hasMore = false
        let epoch = log.epoch
        var begin = OutputBuffer(capacity: TopicName.maximumBytes)
        begin.append(contentsOf: after)
        var isThrough = false
        while !isThrough, !hasMore {
            var end = OutputBuffer(capacity: TopicName.maximumBytes)
            // Where nothing is hidden the first round is the last.
            let round = allowed == nil ? limit : Limits.pollMessages
            let goesOn = log.listTopics(prefix: prefix, after: begin.span, limit: round) { name, topic in
                end.removeAll()
                end.append(contentsOf: name)
                guard allowed?.mayList(name) ?? true else { return }
                guard count < limit else { return hasMore = true }
                if count > 0 { output.append(",") }
                count += 1
                // Where the name stands in what is written: behind `{"topic":"`.
                lastStart = output.count + 10
                lastCount = name.count
                self.topic(name, topic, epoch: epoch)
            }
            if allowed == nil {
                hasMore = goesOn
                isThrough = true
            } else {
                isThrough = !goesOn
            }
            begin = consume end
        }
        output.append("]")
        if hasMore {
            var last = OutputBuffer(capacity: lastCount)
            last.append(contentsOf: output.span.extracting(lastStart..<lastStart + lastCount))
            output.append(",\"next_page\":\"")
            output.append(contentsOf: last.span)
            output.append("\"")
        }
        output.append("}")
    }

    mutating func topic(_ name: Span<UInt8>, _ topic: TopicSnapshot, epoch: Epoch) {
        output.append("{\"topic\":\"")
        output.append(contentsOf: name)
        member("\",\"messages\":", topic.messages)
        member(",\"bytes\":", topic.bytes)
        if let earliest = topic.earliest {
            output.append(",\"earliest\":")
            cursor(Cursor(epoch: epoch, sequence: earliest))
        }
        if let latest = topic.latest {
            output.append(",\"latest\":")
            cursor(Cursor(epoch: epoch, sequence: latest))
        }
        output.append(",\"created\":\"")
        Timestamp(microseconds: topic.createdMicroseconds).write(to: &output)
        output.append("\",\"retention\":{")
        var separator: StaticString = "\""
        if let age = topic.retention.ageMicroseconds {
            output.append("\"age_seconds\":")
            seconds(age)
            separator = ",\""
        }
        if let bytes = topic.retention.bytes {
            output.append(separator)
            member("bytes\":", bytes)
            separator = ",\""
        }
        if let count = topic.retention.count {
            output.append(separator)
            member("count\":", count)
        }
        output.append("}}")
    }

    /// Seconds with as many decimals as there are.
    private mutating func seconds(_ microseconds: Int64) {
        JSONWriter.appendInteger(microseconds / 1_000_000, to: &output)
        var rest = microseconds % 1_000_000
        guard rest > 0 else { return }
        output.append(".")
        var scale: Int64 = 100_000
        while rest > 0 {
            JSONWriter.appendInteger(rest / scale, to: &output)
            rest %= scale
            scale /= 10
        }
    }
}
