import Access
import Telemetry

/// Tokens that were looked at, by what became of them.
struct AuthenticationCounters: ~Copyable, Sendable {
    let accepted = LoopCounter()
    let missing = LoopCounter()
    private let refused: [Refused] = Refusal.allCases.map { _ in Refused() }

    private final class Refused: Sendable { let counter = LoopCounter() }

    subscript(refusal: Refusal) -> LoopCounter {
        _read { yield refused[Refusal.allCases.firstIndex(of: refusal) ?? 0].counter }
    }
}
