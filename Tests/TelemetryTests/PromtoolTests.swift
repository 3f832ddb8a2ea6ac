import Testing

@testable import Telemetry

/// What Prometheus' own checker says.
@Suite
struct PromtoolTests {
    private func check(_ text: MetricsText) throws -> Tool.Outcome {
        try Tool.run("promtool", ["check", "metrics"], package: "prometheus", input: text.bytes)
    }

    @Test
    func findsNothingToSay() throws {
        var text = MetricsText()
        text.counter("postern_messages_published_total", help: "Messages \\ stored,\nall.", value: 3)
        text.counter(
            "postern_arena_acquires_total", help: "Leases.", label: "source", [("local", 1), ("sha\"red\n\\", 2)])
        text.gauge("postern_arena_pool_idle", help: "Idle arenas.", value: -1)
        text.gauge("postern_ratio", help: "A ratio.", label: "of", [("a", 1e-7), ("b", .infinity), ("c", .nan)])
        let hold = LatencyHistogram(bounds: .holdNanoseconds)
        let sizes = LatencyHistogram(bounds: .bytes)
        let routes = RouteHistograms(
            layout: .init(routes: ["publish"], methods: ["GET", "POST"], codes: ["200", "404"]))
        for value in stride(from: 1 as UInt64, to: 100_000_000_000, by: 77_777_777) {
            hold.observe(nanoseconds: value)
            sizes.observe(value: value)
            routes.observe(route: 0, method: Int(value & 1), code: Int(value >> 1 & 1), nanoseconds: value)
        }
        text.histogram(
            "postern_arena_hold_seconds", help: "Held.", hold.snapshot(), scale: .nanosecondsAsSeconds)
        text.histogram("postern_arena_request_bytes", help: "Bytes.", sizes.snapshot())
        text.histogram("postern_http_request_duration_seconds", help: "Duration.", routes.snapshot())
        ProcessMetrics().append(to: &text)
        text.buildInfo(version: "0.1.0")
        let outcome = try check(text)
        #expect(outcome.status == 0, "\(outcome.output)")
        #expect(outcome.output.isEmpty, "\(outcome.output)")
    }

    @Test
    func complainsWhereThereIsReason() throws {
        var text = MetricsText()
        text.gauge("postern_bad_total", help: "A gauge with the name of a counter.", value: 1)
        let outcome = try check(text)
        #expect(outcome.status != 0)
        #expect(outcome.output.contains("postern_bad_total"))
    }

    @Test
    func namesThePackageOfAMissingTool() {
        #expect {
            try Tool.run("no-such-promtool", [], package: "prometheus", input: [])
        } throws: {
            "\($0)".contains("install Debian's package prometheus")
        }
    }
}
