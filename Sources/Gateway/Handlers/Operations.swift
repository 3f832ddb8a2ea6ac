import HTTP
import Telemetry

/// What operators and their tools ask: `/livez`, `/readyz`, `/metrics`, `/openapi.yaml`.
extension LoopCore {
    mutating func getLiveness(_ request: borrowing Request) throws(APIProblem) -> Int {
        try Parameters(request.head.query, of: request.bytes).check(.none)
        replies.text(200, "ok\n", request)
        return 200
    }

    mutating func getReadiness(_ request: borrowing Request) throws(APIProblem) -> Int {
        try Parameters(request.head.query, of: request.bytes).check(.none)
        guard !isDraining else {
            throw APIProblem(503, "draining", "this server is about to end").with { $0.retryAfterSeconds = 1 }
        }
        guard log.health != .failed else { throw .from(.failed) }
        replies.text(200, "ready\n", request)
        return 200
    }

    mutating func getMetrics(_ request: borrowing Request) throws(APIProblem) -> Int {
        try Parameters(request.head.query, of: request.bytes).check(.none)
        let text = shared.metricsText()
        replies.begin(200, MetricsText.contentType, request.fate)
        let mark = ResponseWriter.beginBody(to: &replies.output)
        replies.output.append(contentsOf: text.bytes.span)
        ResponseWriter.endBody(mark, isOmitted: request.isHead, to: &replies.output)
        return 200
    }

    mutating func getOpenAPI(_ request: borrowing Request) throws(APIProblem) -> Int {
        try Parameters(request.head.query, of: request.bytes).check(.none)
        let document = PackageResources.openapi_yaml
        replies.begin(200, "application/yaml", request.fate)
        let mark = ResponseWriter.beginBody(to: &replies.output)
        replies.output.append(contentsOf: document.span)
        ResponseWriter.endBody(mark, isOmitted: request.isHead, to: &replies.output)
        return 200
    }
}
