import Clients
import Telemetry

/// What was refused for a client's limits, by the limit.
struct LimitCounters: ~Copyable, Sendable {
    private let counters: [Counter] = RateKind.allCases.map { _ in Counter() }

    private final class Counter: Sendable { let value = LoopCounter() }

    subscript(kind: RateKind) -> LoopCounter { _read { yield counters[Int(kind.rawValue)].value } }
}
