/// One copy of each distinct byte string (a topic's name), for as long as anybody holds it.
///
/// Strings come from strangers: count and bytes are bounded, and the hash is keyed. Not thread-safe by
/// itself: it lives inside a lock. Looking up allocates nothing; a new string allocates its copy.
///
/// Unsafe: owns the table and the copies.
@safe
public struct InternPool: ~Copyable {
    /// How many distinct strings, and how many bytes of them, the pool takes.
    public let maximumCount: Int
    public let maximumBytes: Int
    /// Distinct strings held now.
    public private(set) var count = 0
    /// Bytes of all strings held now.
    public private(set) var byteCount = 0
    /// Every live ID's `rawValue` is below it.
    public private(set) var indexBound = 0
    /// Strings that fit before the table grows.
    public private(set) var capacity: Int

    private let keyedHash: KeyedHash
    private var entries: UnsafeMutablePointer<Entry>
    /// Open addressing by linear probing: a slot holds an entry's index plus one, or 0. Twice as many slots
    /// as entries, so that a probe ends soon and there is always an empty one.
    private var slots: UnsafeMutablePointer<UInt32>
    /// The most recently freed index plus one; freed entries are linked by `next`. 0 where there is none.
    private var freeList: UInt32 = 0

    private static let smallestCapacity = 16

    @unsafe
    private struct Entry {
        var hash: UInt64
        /// Nothing while the entry is free.
        var start: UnsafeMutablePointer<UInt8>?
        var count: Int
        var referenceCount: Int
        var next: UInt32
    }

    /// An empty pool.
    /// - Parameter hash: under a random key, unless a test wants the same order each time.
    public init(maximumCount: Int, maximumBytes: Int, hash: KeyedHash = .random()) {
        precondition(maximumCount >= 0 && maximumCount < Int(Int32.max) && maximumBytes >= 0)
        self.maximumCount = maximumCount
        self.maximumBytes = maximumBytes
        self.keyedHash = hash
        self.capacity = InternPool.smallestCapacity
        unsafe self.entries = .allocate(capacity: InternPool.smallestCapacity)
        unsafe self.slots = InternPool.emptySlots(forCapacity: InternPool.smallestCapacity)
    }

    deinit {
        assert(count == 0, "\(count) interned strings still have holders")
        for index in 0..<indexBound { unsafe entries[index].start?.deallocate() }
        unsafe entries.deallocate()
        unsafe slots.deallocate()
    }

    /// Traps where anything is still held: at teardown that is a reference somebody forgot.
    public func assertEmpty() {
        precondition(count == 0 && byteCount == 0, "\(count) interned strings still have holders")
    }

    /// The ID of `bytes`, with one more reference that the caller must `release`.
    public mutating func intern(_ bytes: Span<UInt8>) throws(InternError) -> InternedID {
        let hash = keyedHash.hash(bytes)
        let slot = findSlot(of: bytes, hash: hash)
        let found = unsafe slots[slot]
        if found != 0 {
            unsafe entries[Int(found) - 1].referenceCount += 1
            return InternedID(rawValue: found - 1)
        }
        guard count < maximumCount else { throw .countExceeded(limit: maximumCount) }
        guard bytes.count <= maximumBytes - byteCount else { throw .bytesExceeded(limitBytes: maximumBytes) }
        return add(bytes, hash: hash, slot: slot)
    }

    /// The ID of `bytes` where they are interned; takes no reference.
    public func lookup(_ bytes: Span<UInt8>) -> InternedID? {
        let found = unsafe slots[findSlot(of: bytes, hash: keyedHash.hash(bytes))]
        return found == 0 ? nil : InternedID(rawValue: found - 1)
    }

    /// One more reference to a live ID.
    public mutating func retain(_ id: InternedID) {
        let index = liveIndex(of: id)
        unsafe entries[index].referenceCount += 1
    }

    /// One reference less.
    /// - Returns: whether it was the last: the string is gone and the ID free for another.
    public mutating func release(_ id: InternedID) -> Bool {
        let index = liveIndex(of: id)
        unsafe entries[index].referenceCount -= 1
        guard unsafe entries[index].referenceCount == 0 else { return false }
        remove(index)
        return true
    }

    /// The string of a live ID; the pool's memory, good until the pool next changes.
    @_lifetime(borrow self)
    public func bytes(of id: InternedID) -> Span<UInt8> {
        let index = liveIndex(of: id)
        let buffer = unsafe UnsafeBufferPointer(start: entries[index].start, count: entries[index].count)
        let span = unsafe Span(_unsafeElements: buffer)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// How many references there are; 0 for an ID that is not live.
    public func referenceCount(of id: InternedID) -> Int {
        guard Int(id.rawValue) < indexBound else { return 0 }
        return unsafe entries[Int(id.rawValue)].referenceCount
    }

    private func liveIndex(of id: InternedID) -> Int {
        let index = Int(id.rawValue)
        precondition(
            unsafe index < indexBound && entries[index].referenceCount > 0, "an interned ID is used after its release")
        return index
    }

    // MARK: The table

    private var slotMask: Int { capacity * 2 - 1 }

    private static func emptySlots(forCapacity capacity: Int) -> UnsafeMutablePointer<UInt32> {
        let slots = UnsafeMutablePointer<UInt32>.allocate(capacity: capacity * 2)
        unsafe slots.initialize(repeating: 0, count: capacity * 2)
        return unsafe slots
    }

    /// The slot that holds `bytes`, or the empty one where they belong.
    private func findSlot(of bytes: Span<UInt8>, hash: UInt64) -> Int {
        var slot = Int(truncatingIfNeeded: hash) & slotMask
        while true {
            let found = unsafe slots[slot]
            if found == 0 { return slot }
            let entry = unsafe entries + (Int(found) - 1)
            if unsafe entry.pointee.hash == hash && holds(entry, bytes) { return slot }
            slot = (slot &+ 1) & slotMask
        }
    }

    private func holds(_ entry: UnsafeMutablePointer<Entry>, _ bytes: Span<UInt8>) -> Bool {
        guard unsafe entry.pointee.count == bytes.count, let start = unsafe entry.pointee.start else { return false }
        for index in bytes.indices where unsafe start[index] != bytes[index] { return false }
        return true
    }

    private mutating func add(_ bytes: Span<UInt8>, hash: UInt64, slot: Int) -> InternedID {
        var slot = slot
        if count == capacity {
            rebuild(capacity: capacity * 2)
            slot = findSlot(of: bytes, hash: hash)
        }
        let copy = UnsafeMutablePointer<UInt8>.allocate(capacity: max(bytes.count, 1))
        unsafe bytes.withUnsafeBufferPointer { source in
            if let base = source.baseAddress { unsafe copy.initialize(from: base, count: source.count) }
        }
        var index = indexBound
        if freeList != 0 {
            index = Int(freeList) - 1
            freeList = unsafe entries[index].next
        } else {
            indexBound += 1
        }
        unsafe (entries + index).initialize(
            to: Entry(hash: hash, start: copy, count: bytes.count, referenceCount: 1, next: 0))
        unsafe slots[slot] = UInt32(index + 1)
        count += 1
        byteCount += bytes.count
        return InternedID(rawValue: UInt32(index))
    }

    private mutating func remove(_ index: Int) {
        emptySlot(of: index)
        byteCount -= unsafe entries[index].count
        count -= 1
        unsafe entries[index].start?.deallocate()
        unsafe (entries + index).initialize(to: Entry(hash: 0, start: nil, count: 0, referenceCount: 0, next: freeList))
        freeList = UInt32(index + 1)
        // After a flood of names nothing of it stays.
        if count == 0 {
            freeList = 0
            indexBound = 0
            if capacity > InternPool.smallestCapacity { rebuild(capacity: InternPool.smallestCapacity) }
        }
    }

    /// Empties the slot of an entry, and moves up those behind it that probed past it: no tombstones.
    private mutating func emptySlot(of index: Int) {
        let mask = slotMask
        var hole = unsafe Int(truncatingIfNeeded: entries[index].hash) & mask
        while unsafe slots[hole] != UInt32(index + 1) { hole = (hole &+ 1) & mask }
        var next = (hole &+ 1) & mask
        while unsafe slots[next] != 0 {
            let home = unsafe Int(truncatingIfNeeded: entries[Int(slots[next]) - 1].hash) & mask
            // It may move to the hole unless its home lies behind the hole, on the way to where it stands.
            if (next &- home) & mask >= (next &- hole) & mask {
                unsafe slots[hole] = slots[next]
                hole = next
            }
            next = (next &+ 1) & mask
        }
        unsafe slots[hole] = 0
    }

    /// Moves everything to tables of another size, a power of two that holds every live ID.
    private mutating func rebuild(capacity newCapacity: Int) {
        let moved = UnsafeMutablePointer<Entry>.allocate(capacity: newCapacity)
        unsafe moved.moveInitialize(from: entries, count: indexBound)
        unsafe entries.deallocate()
        unsafe slots.deallocate()
        unsafe entries = moved
        unsafe slots = InternPool.emptySlots(forCapacity: newCapacity)
        capacity = newCapacity
        for index in 0..<indexBound where unsafe entries[index].start != nil {
            var slot = unsafe Int(truncatingIfNeeded: entries[index].hash) & slotMask
            while unsafe slots[slot] != 0 { slot = (slot &+ 1) & slotMask }
            unsafe slots[slot] = UInt32(index + 1)
        }
    }
}
