/// What a table of route histograms held at one moment; those of several loops add up.
public struct RouteHistogramsSnapshot: Sendable {
    /// The label sets and bounds.
    public let layout: RouteHistograms.Layout
    /// As in the table: for each child the buckets, then the sum.
    private var cells: [UInt64]

    init(layout: RouteHistograms.Layout, cells: [UInt64]) {
        self.layout = layout
        self.cells = cells
    }

    /// Nothing observed yet.
    public init(layout: RouteHistograms.Layout) {
        let children = layout.routes.count * layout.methods.count * layout.codes.count
        self.init(layout: layout, cells: Array(repeating: 0, count: children * (layout.bounds.values.count + 2)))
    }

    /// Adds what another table of the same layout held.
    public mutating func merge(_ other: RouteHistogramsSnapshot) {
        precondition(cells.count == other.cells.count && layout.bounds == other.layout.bounds, "layouts differ")
        for index in cells.indices { cells[index] &+= other.cells[index] }
    }

    /// The histogram of one combination; traps where there is none.
    public func histogram(route: Int, method: Int, code: Int) -> HistogramSnapshot {
        let buckets = bucketCells(route, method, code)
        return HistogramSnapshot(
            bounds: layout.bounds, bucketCounts: Array(cells[buckets]), sum: cells[buckets.upperBound])
    }

    /// How many observations there were of each code, over all routes and methods, in the order of the layout.
    public var countsByCode: [UInt64] {
        var counts = [UInt64](repeating: 0, count: layout.codes.count)
        for route in layout.routes.indices {
            for method in layout.methods.indices {
                for code in layout.codes.indices {
                    counts[code] &+= cells[bucketCells(route, method, code)].reduce(0, &+)
                }
            }
        }
        return counts
    }

    /// Whether anything was observed of one combination; traps where there is none.
    func hasObservations(route: Int, method: Int, code: Int) -> Bool {
        cells[bucketCells(route, method, code)].contains { $0 != 0 }
    }

    /// Where the buckets of one combination are; its sum follows them.
    private func bucketCells(_ route: Int, _ method: Int, _ code: Int) -> Range<Int> {
        precondition(
            layout.routes.indices.contains(route) && layout.methods.indices.contains(method)
                && layout.codes.indices.contains(code), "no such route, method or code")
        let child = (route * layout.methods.count + method) * layout.codes.count + code
        let buckets = layout.bounds.values.count + 1
        let start = child * (buckets + 1)
        return start..<start + buckets
    }
}
