/// The `name=value` pairs of a query, still encoded, in the order they stand.
public struct QueryItems: ~Escapable {
    private let bytes: Span<UInt8>
    private var offset: Int
    private let end: Int

    /// The pairs of the query that stands at `query` in `bytes`; none where there is no query.
    @_lifetime(copy bytes)
    public init(_ query: Range<Int>?, of bytes: Span<UInt8>) {
        self.bytes = bytes
        offset = query?.lowerBound ?? 0
        end = query?.upperBound ?? 0
    }

    /// The next pair, as ranges of the bytes given; nil at the end. A name without `=` has an empty value; empty pairs
    /// are passed over.
    @_lifetime(self: copy self)
    public mutating func next() -> (name: Range<Int>, value: Range<Int>)? {
        while offset < end {
            let start = offset
            var equals: Int?
            while offset < end, bytes[offset] != UInt8(ascii: "&") {
                if bytes[offset] == UInt8(ascii: "="), equals == nil { equals = offset }
                offset += 1
            }
            let stop = offset
            offset += 1
            guard stop > start else { continue }
            guard let equals else { return (start..<stop, stop..<stop) }
            return (start..<equals, equals + 1..<stop)
        }
        return nil
    }
}
