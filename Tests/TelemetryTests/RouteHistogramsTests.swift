import Synchronization
import Testing

@testable import Telemetry

private let layout = RouteHistograms.Layout(
    routes: ["publish", "read", "other"], methods: ["GET", "POST"], codes: ["200", "404"],
    bounds: HistogramBounds([1_000, 1_000_000]))

@Suite
struct RouteHistogramsTests {
    @Test
    func eachCombinationHasItsOwnHistogram() {
        let table = RouteHistograms(layout: layout)
        var number: UInt64 = 0
        for route in 0..<3 {
            for method in 0..<2 {
                for code in 0..<2 {
                    number += 1
                    for _ in 0..<number { table.observe(route: route, method: method, code: code, nanoseconds: number) }
                }
            }
        }
        let snapshot = table.snapshot()
        number = 0
        for route in 0..<3 {
            for method in 0..<2 {
                for code in 0..<2 {
                    number += 1
                    let child = snapshot.histogram(route: route, method: method, code: code)
                    #expect(child.bucketCounts == [number, 0, 0])
                    #expect(child.sum == number * number)
                }
            }
        }
    }

    @Test
    func putsDurationsIntoBuckets() {
        let table = RouteHistograms(layout: layout)
        for nanoseconds in [1_000, 1_001, 1_000_000, 1_000_001] as [UInt64] {
            table.observe(route: 2, method: 1, code: 1, nanoseconds: nanoseconds)
        }
        let snapshot = table.snapshot()
        #expect(snapshot.histogram(route: 2, method: 1, code: 1).bucketCounts == [1, 2, 1])
    }

    @Test
    func snapshotsOfSeveralLoopsAddUp() {
        var sum = RouteHistogramsSnapshot(layout: layout)
        for loop in 1...3 as ClosedRange<UInt64> {
            let table = RouteHistograms(layout: layout)
            table.observe(route: 0, method: 1, code: 0, nanoseconds: loop)
            sum.merge(table.snapshot())
        }
        let child = sum.histogram(route: 0, method: 1, code: 0)
        #expect(child.count == 3)
        #expect(child.sum == 6)
        #expect(sum.histogram(route: 0, method: 0, code: 0).count == 0)
    }

    @Test
    func trapsAtALabelThatIsNotInTheLayout() async {
        // Each of these would else land in the cells of another child.
        await #expect(processExitsWith: .failure) {
            RouteHistograms(layout: layout).observe(route: 0, method: 2, code: 0, nanoseconds: 1)
        }
        await #expect(processExitsWith: .failure) {
            RouteHistograms(layout: layout).observe(route: 1, method: 0, code: -1, nanoseconds: 1)
        }
        await #expect(processExitsWith: .failure) {
            RouteHistograms(layout: layout).observe(route: 3, method: 0, code: 0, nanoseconds: 1)
        }
        await #expect(processExitsWith: .failure) {
            _ = RouteHistograms(layout: layout).snapshot().histogram(route: 0, method: 0, code: 2)
        }
    }

    @Test
    func aReaderOfAnotherThreadEndsExact() {
        final class Shared: Sendable {
            let table = RouteHistograms(layout: layout)
            let finished = Atomic(false)
        }
        let shared = Shared()
        inParallel(
            {
                for round in 0..<20_000 {
                    shared.table.observe(route: round % 3, method: round & 1, code: 0, nanoseconds: UInt64(round))
                }
                shared.finished.store(true, ordering: .releasing)
            },
            { while !shared.finished.load(ordering: .acquiring) { _ = shared.table.snapshot() } })
        let snapshot = shared.table.snapshot()
        var count: UInt64 = 0
        var sum: UInt64 = 0
        for route in 0..<3 {
            for method in 0..<2 {
                count += snapshot.histogram(route: route, method: method, code: 0).count
                sum += snapshot.histogram(route: route, method: method, code: 0).sum
            }
        }
        #expect(count == 20_000)
        #expect(sum == 20_000 * 19_999 / 2)
    }
}
