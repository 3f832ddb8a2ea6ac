import Arenas
import HTTP
import JSON
import PubSub
import Telemetry

/// `GET /v1/stats`: the heart of `/metrics` as JSON, for people and pages without Prometheus.
extension LoopCore {
    mutating func getStats(_ request: borrowing Request) throws(APIProblem) -> Int {
        try Parameters(request.head.query, of: request.bytes).check(.none)
        replies.begin(200, "application/json", request.fate)
        replies.output.append("Cache-Control: no-store\r\n")
        let mark = ResponseWriter.beginBody(to: &replies.output)
        replies.stats(shared)
        ResponseWriter.endBody(mark, isOmitted: request.isHead, to: &replies.output)
        return 200
    }
}

extension Replies {
    fileprivate mutating func stats(_ shared: GatewayShared) {
        let log = shared.log.statistics
        let arenas = shared.arenas.statistics()
        func sum(_ figure: (LoopMetrics) -> Int) -> Int { shared.metrics.reduce(0) { $0 + figure($1) } }
        output.append("{\"version\":")
        JSONWriter.appendString(shared.version.utf8Span.span, to: &output)
        let process = shared.processMetrics.read()
        member(",\"uptime_seconds\":", Int(process.uptimeSeconds ?? 0))
        requests(shared)
        member(",\"messages\":{\"published\":", Int(log.published))
        member(",\"duplicates\":", Int(log.duplicates))
        member(",\"dropped\":", Int(log.droppedByRetention))
        member(",\"delivered\":{\"poll\":", sum { Int($0.delivered[.poll].value) })
        member(",\"sse\":", sum { Int($0.delivered[.eventStream].value) })
        member(",\"ndjson\":", sum { Int($0.delivered[.lines].value) })
        member("}},\"log\":{\"messages\":", log.messages)
        member(",\"bytes\":", log.bytes)
        member(",\"segments\":", log.segments)
        member(",\"reserved_bytes\":", log.reservedBytes)
        output.append(",\"latest\":")
        cursor(Cursor(epoch: shared.log.epoch, sequence: log.lastSequence))
        member("},\"topics\":", log.internedTopics)
        member(",\"clients\":{\"connections\":", shared.loops.reduce(0) { $0 + $1.statistics.openConnections })
        member(",\"streams\":", sum { Int($0.streams.value) })
        member(",\"poll_waiters\":", sum { Int($0.waiters.value) })
        member(",\"pending_output_bytes\":", shared.loops.reduce(0) { $0 + $1.statistics.pendingOutputBytes })
        member("},\"arenas\":{\"capacity\":", arenas.capacity)
        member(",\"idle\":", arenas.idle)
        member(",\"in_use\":", arenas.inUse)
        member(",\"reserved_bytes\":", arenas.reservedBytes)
        member(",\"idle_bytes\":", arenas.idleBytes)
        member(",\"retain_target_bytes\":", arenas.retainTargetBytes)
        member(
            ",\"acquires\":", Int(arenas.acquiresLocal) + Int(arenas.acquiresShared) + Int(arenas.acquiresCreated))
        member(",\"acquire_failures\":", Int(arenas.acquireFailuresBudget))
        member("},\"process\":{\"cpu_milliseconds\":", Int(process.cpuSeconds * 1000))
        if let bytes = process.residentBytes { member(",\"resident_bytes\":", Int(bytes)) }
        if let count = process.openFiles { member(",\"open_files\":", Int(count)) }
        if let limit = process.openFilesLimit { member(",\"open_files_limit\":", Int(limit)) }
        output.append("}}")
        endLine()
    }

    /// Requests that were answered, by the class of their status.
    private mutating func requests(_ shared: GatewayShared) {
        var classes = [Int](repeating: 0, count: 6)
        for metrics in shared.metrics {
            for (code, count) in zip(LoopMetrics.layout.codes, metrics.requests.snapshot().countsByCode) {
                classes[Int(code[0] - UInt8(ascii: "0"))] += Int(count)
            }
        }
        member(",\"requests\":{\"2xx\":", classes[2])
        member(",\"3xx\":", classes[3])
        member(",\"4xx\":", classes[4])
        member(",\"5xx\":", classes[5])
        output.append("}")
    }
}
