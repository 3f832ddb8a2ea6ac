import Arenas
import EventLoop
import HTTP
import PubSub

/// `GET /v1/topics/{topic}/messages`: a poll, perhaps parked, or a stream.
extension LoopCore {
    mutating func readMessages(
        _ id: ConnectionID, _ request: borrowing Request, _ arena: borrowing ScopedArena
    ) throws(APIProblem) -> Int {
        let parameters = Parameters(request.head.query, of: request.bytes)
        try parameters.check(live.configuration.allowsTokenParameter ? .readWithToken : .read)
        let query = try readQuery(request, parameters, arena)
        let selection = try selection(request, parameters, arena)
        try checkMaySubscribe(selection.subscription.topics)
        return query.form.kind == .poll
            ? try poll(id, request, query, selection) : try openStream(id, request, query, selection)
    }

    private mutating func poll(
        _ id: ConnectionID, _ request: borrowing Request, _ query: ReadQuery, _ selection: borrowing Selection
    ) throws(APIProblem) -> Int {
        // A loop that drains parks nobody.
        let parks = query.form.waitMilliseconds > 0 && !isDraining
        let read = ReadRequest(
            start: query.start, limit: query.limit, maximumBytes: Limits.pollBytes, skipsGaps: query.form.skipsGaps,
            watches: parks, nowMicroseconds: loop.wallClockMicroseconds)
        if query.foreign != nil, !query.form.skipsGaps {
            throw .cursorGone(earliest: cursor(earliestSequence(of: selection)))
        }
        let before = replies.output.count
        let outcome: ReadOutcome
        do throws(ReadError) {
            outcome = try replies.poll(
                reader, selection.target, selection.subscription.filter, read, query.form, epoch: log.epoch,
                foreign: query.foreign, isHead: request.isHead)
        } catch {
            replies.output.truncate(to: before)
            throw problem(error)
        }
        metrics.delivered[.poll].add(outcome.count)
        let isTold =
            outcome.count > 0 || outcome.isPartial || outcome.lostThrough != nil || query.foreign != nil
        guard parks, !isTold else { return 200 }
        replies.output.truncate(to: before)
        try park(id, outcome, selection.subscription, query)
        return 0
    }

    /// The first position from which nothing of a selection is lost.
    func earliestSequence(of selection: borrowing Selection) -> UInt64 {
        let probe = ReadRequest(
            start: .after(0), limit: 1, maximumBytes: 1, nowMicroseconds: loop.wallClockMicroseconds)
        do throws(ReadError) { _ = try reader.read(selection.target, probe) { _ in } } catch {
            if case .gone(let earliest) = error { return earliest }
        }
        return 0
    }

    func cursor(_ sequence: UInt64) -> Cursor { Cursor(epoch: log.epoch, sequence: sequence) }

    func problem(_ error: ReadError) -> APIProblem {
        switch error {
        case .gone(let earliest): .cursorGone(earliest: cursor(earliest))
        case .tooManyTopics: .from(.tooManyTopics)
        }
    }
}
