import Arenas
import Clients
import EventLoop
import HTTP
import PubSub

/// From a request to its handler, and from what the handler did to the reply.
extension LoopCore {
    /// Serves one whole request inside its arena.
    /// - Parameter admitted: what was settled of it before its body came; nil where that is still to be done.
    mutating func dispatch(
        _ id: ConnectionID, _ head: RequestHead, _ bytes: Span<UInt8>, _ body: Span<UInt8>,
        _ arena: borrowing ScopedArena, _ admitted: Admission? = nil
    ) {
        var operation = Operation.none
        principal = nil
        let mark = replies.output.count
        do throws(APIProblem) {
            var admission = Admission()
            if let admitted {
                admission = admitted
                limitedClient = admitted.isLimited ? id : nil
                if head.contentLength == nil { try charge(RateCost(bytes: UInt64(body.count))) }
            } else {
                admission = try admit(id, head, bytes)
            }
            operation = admission.operation
            principal = admission.principal
            if let status = admission.answered {
                let entry = accessEntry(id, operation, head, bytes, status, bodyBytes: body.count, replyBytes: 0)
                tell(entry, id)
                observe(operation, head.method, status, startedNanoseconds: loop.nowNanoseconds)
                return beginIdling(id)
            }
            let request = Request(
                head: isDraining ? head.closing : head, bytes: bytes, body: body, parameter: admission.parameter)
            let status = try handle(id, operation, request, arena)
            let entry = accessEntry(
                id, operation, head, bytes, status == 0 ? 200 : status, bodyBytes: body.count,
                replyBytes: replies.output.count - mark)
            guard status != 0 else { return tell(entry, id) }
            if !request.head.keepsAlive { closesConnection = true } else { beginIdling(id) }
            if awaitedCommit != .none {
                return holdReply(id, from: mark, operation, head.method, status, keep(entry))
            }
            tell(entry, id)
            observe(operation, head.method, status, startedNanoseconds: loop.nowNanoseconds)
        } catch {
            writeProblem(id, error, operation, isDraining ? head.closing : head, of: bytes, bodyBytes: body.count)
            if !closesConnection { beginIdling(id) }
        }
    }

    private mutating func handle(
        _ id: ConnectionID, _ operation: Operation, _ request: borrowing Request, _ arena: borrowing ScopedArena
    ) throws(APIProblem) -> Int {
        switch operation {
        case .publishMessage: try publishMessage(request, arena)
        case .publishBatch: try publishBatch(request, arena)
        case .readMessages: try readMessages(id, request, arena)
        case .listTopics: try listTopics(request, arena)
        case .getTopic: try getTopic(request, arena)
        case .putTopic: try putTopic(request, arena)
        case .deleteTopic: try deleteTopic(request, arena)
        case .getLiveness: try getLiveness(request)
        case .getReadiness: try getReadiness(request)
        case .getMetrics: try getMetrics(request)
        case .getOpenAPI: try getOpenAPI(request)
        case .getStats: try getStats(request)
        case .getConsole: try getConsole(request)
        case .none: serverOptions(request)
        }
    }

    private mutating func serverOptions(_ request: borrowing Request) -> Int {
        replies.noContent(request.fate, allow: "GET, HEAD, POST, PUT, DELETE, OPTIONS")
        return 204
    }

    /// Nothing is under way on the connection; its next request has so long to come.
    mutating func beginIdling(_ id: ConnectionID) {
        loop.setDeadline(
            id,
            milliseconds: isDraining
                ? live.configuration.drainIdleMilliseconds : live.configuration.idleTimeoutMilliseconds)
    }

    /// Counts a request that is done.
    mutating func observe(_ operation: Operation, _ method: Method, _ status: Int, startedNanoseconds: UInt64) {
        let now = loop.exactNanoseconds
        metrics.observe(operation, method, status, nanoseconds: now &- startedNanoseconds)
        lastNanoseconds = now
    }

    /// Writes a problem as the reply of a request; without a head the connection cannot go on.
    mutating func writeProblem(
        _ id: ConnectionID, _ problem: APIProblem, _ operation: Operation, _ head: RequestHead?,
        of bytes: Span<UInt8> = Span(), bodyBytes: Int = 0
    ) {
        let mark = replies.output.count
        let closes = problem.closesConnection || !(head?.keepsAlive ?? false)
        let fate: ConnectionFate = closes ? .closes : head?.minorVersion == 0 ? .staysOpenExplicitly : .staysOpen
        replies.problem(problem, of: bytes, fate, isHead: head?.method == .head)
        if closes { closesConnection = true }
        let entry = accessEntry(
            id, operation, head, bytes, problem.status, bodyBytes: bodyBytes,
            replyBytes: replies.output.count - mark)
        tell(entry, id)
        observe(operation, head?.method ?? .other, problem.status, startedNanoseconds: loop.nowNanoseconds)
    }
}
