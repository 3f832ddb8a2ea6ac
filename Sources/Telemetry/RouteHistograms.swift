import Synchronization

/// Durations by route, method and status code: a histogram for each combination, in one flat table.
///
/// The three label sets are small closed lists given at the start, so that nothing a stranger sends makes a new series.
/// One thread (the loop it belongs to) observes, any may read.
///
/// Unsafe: owns its cells, in one allocation, freed with the table.
@safe
public struct RouteHistograms: ~Copyable, @unchecked Sendable {
    /// The label sets, whose order gives the indices, and the bounds.
    public let layout: Layout

    @usableFromInline
    let table: BucketTable
    @usableFromInline
    let methodCount: Int
    @usableFromInline
    let codeCount: Int
    @usableFromInline
    let routeCount: Int
    /// For each child a cell for each bucket, then the sum.
    @usableFromInline
    let cells: UnsafeMutablePointer<Atomic<UInt64>>

    /// The closed lists a table is laid out by.
    public struct Layout: Sendable {
        /// Values of the labels `route`, `method` and `code`.
        public let routes: [StaticString]
        public let methods: [StaticString]
        public let codes: [StaticString]
        /// In nanoseconds.
        public let bounds: HistogramBounds

        /// Traps where one of the lists is empty.
        public init(
            routes: [StaticString], methods: [StaticString], codes: [StaticString],
            bounds: HistogramBounds = .requestNanoseconds
        ) {
            precondition(!routes.isEmpty && !methods.isEmpty && !codes.isEmpty, "no label set may be empty")
            self.routes = routes
            self.methods = methods
            self.codes = codes
            self.bounds = bounds
        }
    }

    /// An empty table. Allocates all it will ever need: 8 bytes for each bucket of each combination.
    public init(layout: Layout) {
        self.layout = layout
        table = BucketTable(layout.bounds)
        methodCount = layout.methods.count
        codeCount = layout.codes.count
        routeCount = layout.routes.count
        let cellCount = routeCount * methodCount * codeCount * (table.bucketCount + 1)
        unsafe cells = .allocate(capacity: cellCount)
        for index in 0..<cellCount { unsafe (cells + index).initialize(to: Atomic(0)) }
    }

    deinit {
        unsafe cells.deinitialize(count: cellCount)
        unsafe cells.deallocate()
    }

    /// Counts one request under the labels at these indices of the layout; traps where there is no such child.
    /// Owner's thread only.
    @inlinable
    public func observe(route: Int, method: Int, code: Int, nanoseconds: UInt64) {
        precondition(
            UInt(bitPattern: route) < UInt(bitPattern: routeCount)
                && UInt(bitPattern: method) < UInt(bitPattern: methodCount)
                && UInt(bitPattern: code) < UInt(bitPattern: codeCount),
            "no such route, method or code")
        let child = (route &* methodCount &+ method) &* codeCount &+ code
        let start = unsafe cells + child &* (table.bucketCount &+ 1)
        unsafe start[table.bucket(of: nanoseconds)].addAsSingleWriter(1)
        unsafe start[table.bucketCount].addAsSingleWriter(nanoseconds)
    }

    /// What was observed so far. Any thread.
    public func snapshot() -> RouteHistogramsSnapshot {
        RouteHistogramsSnapshot(
            layout: layout, cells: (0..<cellCount).map { unsafe cells[$0].load(ordering: .relaxed) })
    }

    private var cellCount: Int { routeCount * methodCount * codeCount * (table.bucketCount + 1) }
}
