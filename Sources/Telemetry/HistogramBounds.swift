/// The upper bounds of a histogram's buckets, each inclusive, in the unit that is observed.
///
/// Each bound is at least twice the one before. So no two lie between neighbouring powers of two, and the
/// bucket of a value is found by its bit width and one comparison.
public struct HistogramBounds: Sendable, Equatable {
    /// Ascending. Values above the last fall into the bucket `+Inf`.
    public let values: [UInt64]

    /// Traps where there are no bounds, more than 64, or one is less than twice the one before.
    public init(_ values: [UInt64]) {
        precondition(!values.isEmpty && values.count <= 64 && values[0] > 0, "1 to 64 bounds above zero")
        for (lower, upper) in zip(values, values.dropFirst()) {
            precondition(upper / 2 >= lower, "each bound must be at least twice the one before")
        }
        self.values = values
    }

    /// How long requests take, in nanoseconds: from 5 µs, below which a publish seldom stays, to 60 s, the
    /// longest a poll waits.
    public static let requestNanoseconds = HistogramBounds([
        5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
        1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000, 250_000_000, 500_000_000,
        1_000_000_000, 2_500_000_000, 5_000_000_000, 10_000_000_000, 30_000_000_000, 60_000_000_000,
    ])

    /// How long something short is held, such as an arena, in nanoseconds: from 1 µs to 1 s.
    public static let holdNanoseconds = HistogramBounds([
        1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
        1_000_000, 2_500_000, 5_000_000, 10_000_000, 100_000_000, 1_000_000_000,
    ])

    /// Numbers of messages: 1 to 4 million by fours.
    public static let messages = HistogramBounds((0...11).map { 1 << (2 * $0) })

    /// Sizes in bytes: 256 B to 64 MiB by fours.
    public static let bytes = HistogramBounds([
        256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20, 64 << 20,
    ])
}
