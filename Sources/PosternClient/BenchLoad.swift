/// How much load a bench makes.
public struct BenchLoad: Sendable {
    public var server: ServerAddress
    /// Connections that publish; nil for as many as the kind of bench has as a rule.
    public var connections: Int?
    public var durationMilliseconds: Int
    public var messages: Int?
    public var bytes: Int
    /// Messages a second, of all connections; nil for as fast as it goes, or what the kind of bench has as a rule.
    public var rate: Int?
    public var showsProgress: Bool

    public init(
        server: ServerAddress, connections: Int?, durationMilliseconds: Int, messages: Int?, bytes: Int, rate: Int?,
        showsProgress: Bool
    ) {
        self.server = server
        self.connections = connections
        self.durationMilliseconds = durationMilliseconds
        self.messages = messages
        self.bytes = bytes
        self.rate = rate
        self.showsProgress = showsProgress
    }
}

/// What came of a bench.
public struct BenchResult: Sendable {
    public var published = 0
    public var seconds = 0.0
    /// Messages that readers got, and what they should have got.
    public var delivered: Int?
    public var expected: Int?
    /// Why it is not known what arrived; nil where it is.
    public var unchecked: String?
    /// The server let go of messages before they were read.
    public var isCutByRetention = false
    public var duplicates = 0
    public var outOfOrder = 0
    /// From request to receipt, or from publish to arrival.
    public var latency = LatencyHistogram()
    public var failures: [ClientFailure] = []

    /// What is wrong with it, in a sentence.
    public var fault: String? {
        if let failure = failures.first { return "\(failures.count) connections failed; the first: \(failure)" }
        // One whose receipt did not come may have arrived all the same.
        if let delivered, let expected, delivered < expected {
            return "\(expected) messages were to arrive, and \(delivered) did"
                + (isCutByRetention ? "; the server keeps too few for this bench (--retention-bytes)" : "")
        }
        if duplicates > 0 { return "\(duplicates) messages arrived twice" }
        return outOfOrder > 0 ? "\(outOfOrder) messages arrived out of order" : nil
    }

    private static let shares: [(name: String, share: Double)] = [
        ("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1),
    ]

    public var text: String {
        var lines = ["published   \(published) in \(Self.decimal(seconds)) s, \(Int(Double(published) / seconds)) /s"]
        if let delivered, let expected {
            lines.append("delivered   \(delivered) of \(expected), \(Int(Double(delivered) / seconds)) /s")
        }
        if let unchecked { lines.append("delivered   not known: \(unchecked)") }
        lines.append("duplicates  \(duplicates)")
        lines.append("disordered  \(outOfOrder)")
        for (name, share) in Self.shares {
            let padding = String(repeating: " ", count: 12 - name.count)
            lines.append(name + padding + Self.decimal(Double(latency.quantile(share)) / 1e6) + " ms")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    public var json: JSONValue {
        func number(_ value: Int) -> JSONValue { .number(String(value)) }
        var members: [(name: String, value: JSONValue)] = [
            ("published", number(published)), ("seconds", .number(Self.decimal(seconds))),
        ]
        if let delivered, let expected {
            members += [("delivered", number(delivered)), ("expected", number(expected))]
        }
        if let unchecked { members.append(("unchecked", .string(unchecked))) }
        members += [("duplicates", number(duplicates)), ("out_of_order", number(outOfOrder))]
        let quantiles = Self.shares.map { ($0.name, number(Int(latency.quantile($0.share) / 1000))) }
        members.append(("latency_microseconds", .object(quantiles)))
        return .object(members)
    }

    /// With three digits behind the point.
    static func decimal(_ value: Double) -> String {
        let thousandths = Int((value * 1000).rounded())
        let rest = String(thousandths % 1000)
        return "\(thousandths / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest
    }
}
