import HTTP
import Telemetry

/// What one loop counts: written by its thread, read by whoever is scraped.
final class LoopMetrics: Sendable {
    static let layout = RouteHistograms.Layout(
        routes: Operation.allCases.map(\.name), methods: Method.allCases.map(\.name), codes: codes.map(\.1))

    /// Status codes told apart; what is not among them counts as the first.
    private static let codes: [(Int, StaticString)] = [
        (500, "500"), (200, "200"), (201, "201"), (204, "204"), (400, "400"), (404, "404"), (405, "405"), (406, "406"),
        (408, "408"), (410, "410"), (413, "413"), (414, "414"), (415, "415"), (417, "417"), (431, "431"), (501, "501"),
        (503, "503"), (505, "505"),
    ]

    let requests = RouteHistograms(layout: LoopMetrics.layout)
    let arenaBytes = LatencyHistogram(bounds: .bytes)
    let arenaHold = LatencyHistogram(bounds: .holdNanoseconds)
    let delivered = LoopCounter()
    let waiters = LoopGauge()

    func observe(_ operation: Operation, _ method: Method, _ status: Int, nanoseconds: UInt64) {
        requests.observe(
            route: Int(operation.rawValue), method: Int(method.rawValue), code: Self.index(of: status),
            nanoseconds: nanoseconds)
    }

    private static func index(of status: Int) -> Int {
        switch status {
        case 200: 1
        case 201: 2
        case 204: 3
        default: codes.firstIndex { $0.0 == status } ?? 0
        }
    }
}
