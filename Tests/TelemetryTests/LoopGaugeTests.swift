import Synchronization
import Testing

@testable import Telemetry

@Suite
struct LoopGaugeTests {
    @Test
    func goesUpAndDownAndBelowZero() {
        let gauge = LoopGauge()
        #expect(gauge.value == 0)
        gauge.add(3)
        gauge.add(-5)
        #expect(gauge.value == -2)
        gauge.set(7)
        #expect(gauge.value == 7)
    }

    @Test
    func anotherThreadReadsWhatTheLoopSet() {
        final class Shared: Sendable { let gauge = LoopGauge() }
        let shared = Shared()
        inParallel({ for step in 1...1_000 { shared.gauge.add(step.isMultiple(of: 2) ? -1 : 2) } })
        #expect(shared.gauge.value == 500)
    }
}
