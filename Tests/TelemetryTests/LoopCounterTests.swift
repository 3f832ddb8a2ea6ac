import Synchronization
import Testing

@testable import Telemetry

@Suite
struct LoopCounterTests {
    @Test
    func addsUp() {
        let counter = LoopCounter()
        #expect(counter.value == 0)
        counter.increment()
        counter.add(5)
        counter.add(UInt64(10))
        #expect(counter.value == 16)
    }

    @Test
    func aReaderSeesItGrowAndEndExact() {
        final class Shared: Sendable {
            let counter = LoopCounter()
            let finished = Atomic(false)
        }
        let shared = Shared()
        let rounds = 200_000
        let wentBack = Atomic(false)
        let counts = Mutex<UInt64>(0)
        inParallel(
            {
                for round in 1...rounds { shared.counter.add(round & 3) }
                shared.finished.store(true, ordering: .releasing)
            },
            {
                var last: UInt64 = 0
                repeat {
                    let value = shared.counter.value
                    if value < last { wentBack.store(true, ordering: .relaxed) }
                    last = value
                } while !shared.finished.load(ordering: .acquiring)
                counts.withLock { $0 = shared.counter.value }
            })
        let everWentBack = wentBack.load(ordering: .relaxed)
        #expect(!everWentBack)
        let final = counts.withLock { $0 }
        #expect(final == (1...rounds).reduce(0) { $0 + UInt64($1 & 3) })
    }
}
