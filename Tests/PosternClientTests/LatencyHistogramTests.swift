import Testing

@testable import PosternClient

@Suite struct LatencyHistogramTests {
    @Test(arguments: [0, 1, 63, 64, 65, 127, 128, 1000, 1_000_000, 123_456_789, UInt64.max / 2, .max])
    func aValueIsInABucketThatIsLittleWiderThanIt(value: UInt64) {
        let bucket = LatencyHistogram.bucket(value)
        let upper = LatencyHistogram.upperBound(bucket)
        #expect(upper >= value)
        #expect(upper - value <= value / 64 + 1)
        #expect(bucket == 0 || LatencyHistogram.upperBound(bucket - 1) < value)
    }

    @Test func quantilesAreWithinABucketOfTheTruth() {
        var histogram = LatencyHistogram()
        for value in 1...10_000 as ClosedRange<UInt64> { histogram.record(value * 1000) }
        for (share, truth) in [(0.5, 5_000_000.0), (0.9, 9_000_000), (0.99, 9_900_000), (0.999, 9_990_000)] {
            let found = Double(histogram.quantile(share))
            #expect(found >= truth && found <= truth * 1.02)
        }
        #expect(histogram.quantile(1) == 10_000_000 && histogram.maximum == 10_000_000)
        #expect(histogram.count == 10_000)
    }

    @Test func nothingTookNoTime() { #expect(LatencyHistogram().quantile(0.99) == 0) }

    @Test func histogramsAdd() {
        var a = LatencyHistogram()
        var b = LatencyHistogram()
        a.record(5)
        b.record(50)
        b.record(60)
        a.merge(b)
        #expect(a.count == 3 && a.maximum == 60 && a.quantile(0.3) == 5 && a.quantile(0.5) == 50)
    }
}
