/// Things that come and go, each at a small index, kept for the next use: buffers of half-read requests, say.
///
/// `take` allocates only when all made so far are in use. One thread at a time.
public struct SlotPool<Element: ~Copyable>: ~Copyable {
    @usableFromInline var slots = StableArray<Slot>()
    private var firstFree = UInt32.max
    /// How many are in use.
    public private(set) var inUse = 0

    @usableFromInline
    struct Slot: ~Copyable {
        @usableFromInline var element: Element
        var nextFree = UInt32.max

        init(_ element: consuming Element) { self.element = element }
    }

    public init() {}

    /// The index of a slot that nobody uses; made by `make` where there is none.
    public mutating func take(_ make: () -> Element) -> UInt32 {
        if firstFree == .max {
            let begin = slots.count
            slots.reserve(through: begin) { Slot(make()) }
            for index in (begin..<slots.count).reversed() {
                slots[index].nextFree = firstFree
                firstFree = UInt32(index)
            }
        }
        let index = firstFree
        firstFree = slots[Int(index)].nextFree
        inUse += 1
        return index
    }

    /// Gives a slot back; what stands in it stays for the next use.
    public mutating func give(_ index: UInt32) {
        slots[Int(index)].nextFree = firstFree
        firstFree = index
        inUse -= 1
    }

    public subscript(index: UInt32) -> Element {
        _read { yield slots[Int(index)].element }
        _modify { yield &slots[Int(index)].element }
    }

    /// Lends what stands at `index`. For elements that cannot be copied: to read them by the subscript takes memory from
    /// the heap, for the accessor's own state.
    @inlinable
    public func withElement<Result>(at index: UInt32, _ body: (borrowing Element) -> Result) -> Result {
        body(slots[Int(index)].element)
    }
}
