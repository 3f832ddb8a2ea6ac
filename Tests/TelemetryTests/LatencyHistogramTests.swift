import Synchronization
import Testing

@testable import Telemetry

/// The bucket by the definition: the first whose bound is not below the value.
private func bucketByDefinition(_ value: UInt64, _ bounds: HistogramBounds) -> Int {
    bounds.values.firstIndex { value <= $0 } ?? bounds.values.count
}

@Suite
struct LatencyHistogramTests {
    static let allBounds: [HistogramBounds] = [
        .requestNanoseconds, .holdNanoseconds, .bytes, HistogramBounds([1]), HistogramBounds([1, 2, 4]),
        HistogramBounds([7, 100, 1 << 63]), HistogramBounds([.max]),
        HistogramBounds((0..<64).map { 1 << $0 }),
    ]

    @Test(arguments: allBounds)
    func putsEachValueIntoTheFirstBucketThatHoldsIt(bounds: HistogramBounds) {
        let table = BucketTable(bounds)
        let edges: [UInt64] = bounds.values + (0..<64).map { 1 << $0 } + [0, .max]
        for value in edges.flatMap({ [$0 &- 1, $0, $0 &+ 1] }) {
            let bucket = table.bucket(of: value)
            #expect(bucket == bucketByDefinition(value, bounds), "\(value)")
        }
    }

    @Test
    func agreesWithTheDefinitionOnRandomValues() {
        let seed = UInt64.random(in: 1 ... .max)
        print("seed \(seed)")
        var random = XorShift(state: seed)
        let bounds = HistogramBounds.requestNanoseconds
        let histogram = LatencyHistogram(bounds: bounds)
        var expected = HistogramSnapshot(bounds: bounds)
        for _ in 0..<2_000 {
            let value = random.next() >> (random.next() & 63)
            histogram.observe(nanoseconds: value)
            var one = [UInt64](repeating: 0, count: bounds.values.count + 1)
            one[bucketByDefinition(value, bounds)] = 1
            expected.merge(HistogramSnapshot(bounds: bounds, bucketCounts: one, sum: value))
        }
        let snapshot = histogram.snapshot()
        #expect(snapshot == expected, "seed \(seed)")
        #expect(snapshot.count == 2_000)
    }

    @Test
    func snapshotsOfSeveralLoopsAddUp() {
        let first = LatencyHistogram(bounds: HistogramBounds([10, 100]))
        let second = LatencyHistogram(bounds: HistogramBounds([10, 100]))
        for value in [1, 10, 11] as [UInt64] { first.observe(value: value) }
        for value in [100, 101] as [UInt64] { second.observe(value: value) }
        var sum = first.snapshot()
        sum.merge(second.snapshot())
        #expect(sum.bucketCounts == [2, 2, 1])
        #expect(sum.sum == 223)
        #expect(sum.count == 5)
    }

    @Test
    func aReaderNeverSeesABucketShrinkAndEndsExact() {
        final class Shared: Sendable {
            let histogram = LatencyHistogram(bounds: HistogramBounds([10, 100, 1_000]))
            let finished = Atomic(false)
            let shrank = Atomic(false)
        }
        let shared = Shared()
        let rounds: UInt64 = 40_000
        inParallel(
            {
                for value in 1...rounds { shared.histogram.observe(value: value & 2_047) }
                shared.finished.store(true, ordering: .releasing)
            },
            {
                var last = shared.histogram.snapshot()
                while !shared.finished.load(ordering: .acquiring) {
                    let next = shared.histogram.snapshot()
                    if zip(last.bucketCounts, next.bucketCounts).contains(where: { $0 > $1 }) || next.sum < last.sum {
                        shared.shrank.store(true, ordering: .relaxed)
                    }
                    last = next
                }
            })
        let everShrank = shared.shrank.load(ordering: .relaxed)
        #expect(!everShrank)
        let final = shared.histogram.snapshot()
        #expect(final.count == rounds)
        #expect(final.sum == (1...rounds).reduce(0) { $0 + $1 & 2_047 })
    }
}
