import Testing

@testable import Telemetry

private func text(_ write: (inout MetricsText) -> Void) -> String {
    var text = MetricsText()
    write(&text)
    return String(decoding: text.bytes, as: UTF8.self)
}

@Suite
struct MetricsTextTests {
    @Test
    func writesACounter() {
        #expect(
            text { $0.counter("postern_messages_published_total", help: "Messages stored.", value: UInt64.max) } == """
                # HELP postern_messages_published_total Messages stored.
                # TYPE postern_messages_published_total counter
                postern_messages_published_total 18446744073709551615

                """)
    }

    @Test
    func writesAFamilyOnceForAllValuesOfALabel() {
        #expect(
            text { $0.counter("acquires_total", help: "Leases.", label: "source", [("local", 1), ("shared", 20)]) }
                == """
                # HELP acquires_total Leases.
                # TYPE acquires_total counter
                acquires_total{source="local"} 1
                acquires_total{source="shared"} 20

                """)
    }

    @Test
    func writesGauges() {
        #expect(
            text {
                $0.gauge("idle", help: "Idle.", value: -3)
                $0.gauge("held", help: "Held.", label: "kind", [("a", 0.5), ("b", 2)])
                $0.gauge("info", help: "Info.", labels: [("version", "1.0"), ("swift", "6")], value: 1)
            } == """
                # HELP idle Idle.
                # TYPE idle gauge
                idle -3
                # HELP held Held.
                # TYPE held gauge
                held{kind="a"} 0.5
                held{kind="b"} 2
                # HELP info Info.
                # TYPE info gauge
                info{version="1.0",swift="6"} 1

                """)
    }

    @Test
    func escapesHelpAndLabels() {
        #expect(
            text { $0.gauge("a", help: "one\ntwo \\ \"three\"", labels: [("l", "x\"y\\z\nä")], value: 1) }
                == #"""
                # HELP a one\ntwo \\ "three"
                # TYPE a gauge
                a{l="x\"y\\z\nä"} 1

                """#)
    }

    @Test
    func writesHistogramsCumulativelyInTheBaseUnit() {
        let snapshot = HistogramSnapshot(
            bounds: HistogramBounds([1_000, 25_000, 1_000_000_000]), bucketCounts: [1, 2, 0, 4], sum: 12_000_000_034)
        #expect(
            text {
                $0.histogram(
                    "hold_seconds", help: "Held.", snapshot, scale: .nanosecondsAsSeconds, labels: [("loop", "0")])
            } == """
                # HELP hold_seconds Held.
                # TYPE hold_seconds histogram
                hold_seconds_bucket{loop="0",le="1e-06"} 1
                hold_seconds_bucket{loop="0",le="2.5e-05"} 3
                hold_seconds_bucket{loop="0",le="1"} 3
                hold_seconds_bucket{loop="0",le="+Inf"} 7
                hold_seconds_sum{loop="0"} 12.000000034
                hold_seconds_count{loop="0"} 7

                """)
    }

    @Test
    func writesHistogramsOfBytesWithoutLabels() {
        let snapshot = HistogramSnapshot(bounds: HistogramBounds([1_024]), bucketCounts: [0, 1], sum: 2_000)
        #expect(
            text { $0.histogram("size_bytes", help: "Size.", snapshot) } == """
                # HELP size_bytes Size.
                # TYPE size_bytes histogram
                size_bytes_bucket{le="1024"} 0
                size_bytes_bucket{le="+Inf"} 1
                size_bytes_sum 2000
                size_bytes_count 1

                """)
    }

    @Test
    func showsOnlyRoutesThatWereSeen() {
        let table = RouteHistograms(
            layout: .init(
                routes: ["publish", "read"], methods: ["GET", "POST"], codes: ["200", "404"],
                bounds: HistogramBounds([1_000_000])))
        table.observe(route: 1, method: 0, code: 1, nanoseconds: 2_500_000)
        #expect(
            text { $0.histogram("duration_seconds", help: "Duration.", table.snapshot()) } == """
                # HELP duration_seconds Duration.
                # TYPE duration_seconds histogram
                duration_seconds_bucket{route="read",method="GET",code="404",le="0.001"} 0
                duration_seconds_bucket{route="read",method="GET",code="404",le="+Inf"} 1
                duration_seconds_sum{route="read",method="GET",code="404"} 0.0025
                duration_seconds_count{route="read",method="GET",code="404"} 1

                """)
    }

    @Test(arguments: [
        (0.0, "0"), (1, "1"), (-2.5, "-2.5"), (0.1, "0.1"), (1e-6, "1e-06"), (2.5e-5, "2.5e-05"), (1e21, "1e+21"),
        (0.1 + 0.2, "0.30000000000000004"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
        (.greatestFiniteMagnitude, "1.7976931348623157e+308"), (.leastNonzeroMagnitude, "5e-324"),
    ])
    func writesDoublesShortAndExact(number: Double, expected: String) {
        var bytes: [UInt8] = []
        number.appendMetricText(to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
    }

    @Test
    func writesIntegersOfEachWidth() {
        var bytes: [UInt8] = []
        for number in [0, .min, .max] as [Int] {
            number.appendMetricText(to: &bytes)
            bytes.append(UInt8(ascii: " "))
        }
        Int32.min.appendMetricText(to: &bytes)
        #expect(
            String(decoding: bytes, as: UTF8.self) == "0 -9223372036854775808 9223372036854775807 -2147483648")
    }

    @Test(arguments: [
        (0, "0"), (1, "0.000000001"), (10, "0.00000001"), (1_500_000_000, "1.5"), (.max, "18446744073.709551615"),
    ])
    func writesSumsToTheLastDigit(nanoseconds: UInt64, expected: String) {
        var bytes: [UInt8] = []
        MetricsText.Scale.nanosecondsAsSeconds.appendScaled(nanoseconds, to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
    }

    #if DEBUG
        @Test
        func aCounterWithoutItsSuffixTraps() async {
            await #expect(processExitsWith: .failure) {
                var text = MetricsText()
                text.counter("messages", help: "No suffix.", value: 1)
            }
        }
    #endif
}
