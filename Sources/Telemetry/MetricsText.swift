/// Writes metrics in Prometheus' text exposition format 0.0.4.
///
/// Each call writes one whole family (`# HELP`, `# TYPE`, samples), so where several loops count the same thing, add
/// their values up first. Scrapes are seldom: this allocates.
public struct MetricsText: Sendable {
    /// `Content-Type` of the text.
    public static let contentType: StaticString = "text/plain; version=0.0.4; charset=utf-8"

    /// The text so far.
    public private(set) var bytes: [UInt8] = []

    /// A label with its value, which is escaped.
    public typealias Label = (name: StaticString, value: String)

    /// - Parameter capacity: bytes to reserve; the last scrape's count is a good guess.
    public init(capacity: Int = 32 << 10) { bytes.reserveCapacity(capacity) }

    /// A family of one counter. Its name ends in `_total`.
    public mutating func counter(
        _ name: StaticString, help: StaticString, labels: [Label] = [], value: some MetricValue
    ) {
        beginCounter(name, help)
        sample(name, labels, value)
    }

    /// A family of one counter for each value of a label.
    public mutating func counter(
        _ name: StaticString, help: StaticString, label: StaticString, _ samples: [(String, some MetricValue)]
    ) {
        beginCounter(name, help)
        for (labelValue, value) in samples { sample(name, [(label, labelValue)], value) }
    }

    /// A family of one gauge.
    public mutating func gauge(
        _ name: StaticString, help: StaticString, labels: [Label] = [], value: some MetricValue
    ) {
        begin(name, help, "gauge")
        sample(name, labels, value)
    }

    /// A family of one gauge for each value of a label.
    public mutating func gauge(
        _ name: StaticString, help: StaticString, label: StaticString, _ samples: [(String, some MetricValue)]
    ) {
        begin(name, help, "gauge")
        for (labelValue, value) in samples { sample(name, [(label, labelValue)], value) }
    }

    /// A family of one histogram.
    /// - Parameter scale: of what was observed to what is shown: `.nanosecondsAsSeconds` for durations.
    public mutating func histogram(
        _ name: StaticString, help: StaticString, _ snapshot: HistogramSnapshot, scale: Scale = .one,
        labels: [Label] = []
    ) {
        begin(name, help, "histogram")
        child(name, snapshot, scale, Self.bucketEnds(snapshot.bounds, scale), labels)
    }

    /// A family of a histogram for each route, method and code that was seen; the others are not shown.
    public mutating func histogram(
        _ name: StaticString, help: StaticString, _ snapshot: RouteHistogramsSnapshot,
        scale: Scale = .nanosecondsAsSeconds
    ) {
        begin(name, help, "histogram")
        let layout = snapshot.layout
        let bucketEnds = Self.bucketEnds(layout.bounds, scale)
        for route in layout.routes.indices {
            for method in layout.methods.indices {
                for code in layout.codes.indices
                where snapshot.hasObservations(route: route, method: method, code: code) {
                    child(
                        name, snapshot.histogram(route: route, method: method, code: code), scale, bucketEnds,
                        [
                            ("route", layout.routes[route].description),
                            ("method", layout.methods[method].description),
                            ("code", layout.codes[code].description),
                        ])
                }
            }
        }
    }

    private mutating func beginCounter(_ name: StaticString, _ help: StaticString) {
        assert(name.description.hasSuffix("_total"), "the name of a counter ends in _total")
        begin(name, help, "counter")
    }

    private mutating func begin(_ name: StaticString, _ help: StaticString, _ type: StaticString) {
        bytes.append("# HELP ")
        bytes.append(name)
        bytes.append(UInt8(ascii: " "))
        appendEscaped(help.description, quotes: false)
        bytes.append("\n# TYPE ")
        bytes.append(name)
        bytes.append(UInt8(ascii: " "))
        bytes.append(type)
        bytes.append(UInt8(ascii: "\n"))
    }

    private mutating func sample(_ name: StaticString, _ labels: [Label], _ value: some MetricValue) {
        bytes.append(name)
        append(labels)
        bytes.append(UInt8(ascii: " "))
        value.appendMetricText(to: &bytes)
        bytes.append(UInt8(ascii: "\n"))
    }

    /// What the line of each bucket ends its labels with. Made once a family: turning bounds into decimals is most of
    /// the work.
    private static func bucketEnds(_ bounds: HistogramBounds, _ scale: Scale) -> [[UInt8]] {
        (bounds.values.map { Double($0) / scale.divisor } + [.infinity]).map { bound in
            var end: [UInt8] = []
            end.append("le=\"")
            bound.appendMetricText(to: &end)
            end.append("\"} ")
            return end
        }
    }

    private mutating func child(
        _ name: StaticString, _ snapshot: HistogramSnapshot, _ scale: Scale, _ bucketEnds: [[UInt8]],
        _ labels: [Label]
    ) {
        let start = bytes.count
        bytes.append(name)
        bytes.append("_bucket")
        appendOpen(labels)
        bytes.append(labels.isEmpty ? UInt8(ascii: "{") : UInt8(ascii: ","))
        let bucketStart = Array(bytes[start...])
        bytes.removeSubrange(start...)
        var cumulative: UInt64 = 0
        for (count, end) in zip(snapshot.bucketCounts, bucketEnds) {
            cumulative &+= count
            bytes.append(contentsOf: bucketStart)
            bytes.append(contentsOf: end)
            bytes.appendDecimal(cumulative)
            bytes.append(UInt8(ascii: "\n"))
        }
        bytes.append(name)
        bytes.append("_sum")
        append(labels)
        bytes.append(UInt8(ascii: " "))
        scale.appendScaled(snapshot.sum, to: &bytes)
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(name)
        bytes.append("_count")
        append(labels)
        bytes.append(UInt8(ascii: " "))
        bytes.appendDecimal(cumulative)
        bytes.append(UInt8(ascii: "\n"))
    }

    private mutating func append(_ labels: [Label]) {
        if labels.isEmpty { return }
        appendOpen(labels)
        bytes.append(UInt8(ascii: "}"))
    }

    /// Appends the labels without the brace behind them.
    private mutating func appendOpen(_ labels: [Label]) {
        var separator = UInt8(ascii: "{")
        for label in labels {
            bytes.append(separator)
            bytes.append(label.name)
            bytes.append("=\"")
            appendEscaped(label.value, quotes: true)
            bytes.append(UInt8(ascii: "\""))
            separator = UInt8(ascii: ",")
        }
    }

    /// Help texts escape backslash and line feed; label values the quote too.
    private mutating func appendEscaped(_ text: String, quotes: Bool) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\\"): bytes.append("\\\\")
            case UInt8(ascii: "\n"): bytes.append("\\n")
            case UInt8(ascii: "\"") where quotes: bytes.append("\\\"")
            default: bytes.append(byte)
            }
        }
    }
}
