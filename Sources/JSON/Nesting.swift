/// The containers that are open around a position: one bit a level, so that no depth needs recursion or the heap.
struct Nesting {
    /// Levels the bits below can hold.
    static let maximumDepth = 512

    /// One bit a level, set for an object.
    private var objects = InlineArray<8, UInt64>(repeating: 0)
    /// How many containers are open.
    private(set) var depth = 0
    private let limit: Int

    /// - Parameter limit: levels allowed, 1 to `maximumDepth`.
    init(limit: Int) {
        precondition(limit >= 1 && limit <= Nesting.maximumDepth, "a depth limit out of range")
        self.limit = limit
    }

    /// Whether the innermost container is an object; only while one is open.
    var isInObject: Bool {
        @inline(__always) get {
            let level = depth &- 1
            return objects[level >> 6] & (1 << UInt64(truncatingIfNeeded: level & 63)) != 0
        }
    }

    /// Opens a container, or says that it would be one level too many.
    @inline(__always)
    mutating func open(object: Bool) -> Bool {
        guard depth < limit else { return false }
        let bit: UInt64 = 1 << UInt64(truncatingIfNeeded: depth & 63)
        if object { objects[depth >> 6] |= bit } else { objects[depth >> 6] &= ~bit }
        depth &+= 1
        return true
    }

    /// Closes the innermost container.
    @inline(__always)
    mutating func close() { depth &-= 1 }
}
