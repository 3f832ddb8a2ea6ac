import Testing

@testable import Telemetry

@Suite
struct HistogramBoundsTests {
    @Test
    func refusesBoundsThatDoNotDouble() async {
        await #expect(processExitsWith: .failure) { _ = HistogramBounds([10, 19]) }
        await #expect(processExitsWith: .failure) { _ = HistogramBounds([100, 10]) }
        await #expect(processExitsWith: .failure) { _ = HistogramBounds([]) }
        await #expect(processExitsWith: .failure) { _ = HistogramBounds([0, 1]) }
    }

    @Test
    func refusesToMergeDifferentBounds() async {
        await #expect(processExitsWith: .failure) {
            var one = HistogramSnapshot(bounds: HistogramBounds([1, 2]))
            one.merge(HistogramSnapshot(bounds: HistogramBounds([1, 3])))
        }
    }
}
