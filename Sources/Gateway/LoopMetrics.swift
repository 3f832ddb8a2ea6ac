import HTTP
import Telemetry

/// Messages handed to clients, by the form of their read.
struct DeliveryCounters: ~Copyable, Sendable {
    private let polls = LoopCounter()
    private let eventStreams = LoopCounter()
    private let lines = LoopCounter()

    subscript(kind: ReadForm.Kind) -> LoopCounter {
        _read {
            switch kind {
            case .poll: yield polls
            case .eventStream: yield eventStreams
            case .lines: yield lines
            }
        }
    }
}

/// Streams that ended, by why.
struct StreamCloseCounters: ~Copyable, Sendable {
    private let client = LoopCounter()
    private let stalled = LoopCounter()
    private let lifetime = LoopCounter()
    private let drain = LoopCounter()
    private let expired = LoopCounter()
    private let revoked = LoopCounter()
    private let stopped = LoopCounter()

    subscript(reason: StreamEnd) -> LoopCounter {
        _read {
            switch reason {
            case .expired: yield expired
            case .revoked: yield revoked
            case .client: yield client
            case .stalled: yield stalled
            case .lifetime: yield lifetime
            case .drain: yield drain
            case .stopped: yield stopped
            }
        }
    }
}

/// What one loop counts: written by its thread, read by whoever is scraped.
final class LoopMetrics: Sendable {
    static let layout = RouteHistograms.Layout(
        routes: Operation.allCases.map(\.name), methods: Method.allCases.map(\.name), codes: codes.map(\.1))

    /// Status codes told apart; what is not among them counts as the first.
    private static let codes: [(Int, StaticString)] = [
        (500, "500"), (200, "200"), (201, "201"), (204, "204"), (308, "308"), (400, "400"), (401, "401"), (403, "403"),
        (404, "404"), (405, "405"), (406, "406"),
        (408, "408"), (410, "410"), (413, "413"), (414, "414"), (415, "415"), (417, "417"), (429, "429"), (431, "431"),
        (501, "501"),
        (503, "503"), (505, "505"), (507, "507"),
    ]

    let requests = RouteHistograms(layout: LoopMetrics.layout)
    let arenaBytes = LatencyHistogram(bounds: .bytes)
    let arenaHold = LatencyHistogram(bounds: .holdNanoseconds)
    let delivered = DeliveryCounters()
    /// From a message's time to when it was sent to a client that waited.
    let deliveryDelay = LatencyHistogram(bounds: .requestNanoseconds)
    let streams = LoopGauge()
    let streamCloses = StreamCloseCounters()
    /// How many messages of the log stood behind a stream when it was sent something.
    let streamLag = LatencyHistogram(bounds: .messages)
    let waiters = LoopGauge()
    let authentications = AuthenticationCounters()
    let limited = LimitCounters()

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
