import Arenas

/// The log's memory: a ring of segments, each filled from the front with records and from the back with a table of
/// where they begin. A segment is given back whole.
///
/// A segment that was dropped rests until no reader can still be copying from it (`reclaim`), then serves again.
// unsafe: owns the segments' memory; everybody else sees records by value and payloads as spans.
@safe
package struct SegmentStore: ~Copyable {
    @unsafe
    private struct Segment {
        var memory: UnsafeMutableRawPointer
        var capacity: Int
        var used: Int
        var firstSequence: UInt64
        var recordCount: Int
    }

    /// Bytes of an ordinary segment; a message or batch larger than that gets one of its own size.
    let segmentBytes: Int
    private var slots: UnsafeMutablePointer<Segment>
    private var slotMask: UInt64
    /// Segment numbers: `resting ..< oldest` are dropped but may still be read, `oldest ..< end` are live.
    private(set) var resting: UInt64 = 1
    private(set) var oldest: UInt64 = 1
    private(set) var end: UInt64 = 1
    /// Bytes of all live and resting segments, and of spare ones.
    private(set) var reservedBytes = 0
    /// Bytes of live segments.
    private(set) var liveBytes = 0
    private var spares: UnsafeMutableRawPointer?
    private(set) var spareCount = 0

    /// Slots beyond what live segments need, for those that rest.
    private static let restingSlack = 16
    /// Spare segments kept; more are freed.
    private static let maximumSpares = 2
    private static let tableEntryBytes = 4

    init(segmentBytes: Int, maximumBytes: Int) {
        self.segmentBytes = segmentBytes
        let slotCount = Self.slotCount(segmentBytes, maximumBytes)
        slotMask = slotCount - 1
        unsafe slots = .allocate(capacity: Int(slotCount))
    }

    private static func slotCount(_ segmentBytes: Int, _ maximumBytes: Int) -> UInt64 {
        var count: UInt64 = 1
        while count < UInt64(maximumBytes / segmentBytes + restingSlack) { count *= 2 }
        return count
    }

    /// Makes slots for so many bytes of segments, where there are fewer. Segments stay where they are in memory.
    mutating func reserve(maximumBytes: Int) {
        let slotCount = Self.slotCount(segmentBytes, maximumBytes)
        guard slotCount > slotMask + 1 else { return }
        let larger = UnsafeMutablePointer<Segment>.allocate(capacity: Int(slotCount))
        for number in resting..<end {
            unsafe (larger + Int(number & (slotCount - 1))).initialize(to: slots[Int(number & slotMask)])
        }
        unsafe slots.deallocate()
        unsafe slots = larger
        slotMask = slotCount - 1
    }

    deinit {
        for number in resting..<end {
            let segment = unsafe slots[Int(number & slotMask)]
            unsafe unmapMemory(segment.memory, byteCount: segment.capacity)
        }
        var next = unsafe spares
        while let spare = unsafe next {
            unsafe next = spare.load(as: UnsafeMutableRawPointer?.self)
            unsafe unmapMemory(spare, byteCount: segmentBytes)
        }
        unsafe slots.deallocate()
    }

    var isEmpty: Bool { oldest == end }
    var liveCount: Int { Int(end - oldest) }

    /// Bytes a segment needs for so many records of so many stored bytes together.
    static func bytes(forStored storedBytes: Int, count: Int) -> Int { storedBytes + count * tableEntryBytes + 8 }

    /// Whether the newest segment has room.
    func hasRoom(forStored storedBytes: Int, count: Int) -> Bool {
        guard !isEmpty else { return false }
        let newest = unsafe slots[Int((end - 1) & slotMask)]
        let free = unsafe newest.capacity - newest.used - newest.recordCount * Self.tableEntryBytes
        return Self.bytes(forStored: storedBytes, count: count) <= free
    }

    /// Whether the ring has a slot for one more segment.
    var hasFreeSlot: Bool { end - resting <= slotMask }

    // MARK: Spare memory

    /// A segment's memory on its way in; made outside the lock, and freed if it is not taken.
    @safe
    package struct FreshMemory: ~Copyable {
        fileprivate var memory: UnsafeMutableRawPointer?
        let byteCount: Int

        package init(byteCount: Int) {
            unsafe memory = unsafe mapMemory(byteCount: byteCount)
            self.byteCount = byteCount
        }

        fileprivate mutating func take() -> UnsafeMutableRawPointer {
            guard let taken = unsafe memory else { preconditionFailure("memory taken twice") }
            unsafe memory = nil
            return unsafe taken
        }

        deinit {
            if let memory = unsafe memory { unsafe unmapMemory(memory, byteCount: byteCount) }
        }
    }

    /// Keeps ordinary memory for the next segment, where there is not enough of it already.
    mutating func addSpare(_ fresh: inout FreshMemory) {
        guard fresh.byteCount == segmentBytes, spareCount < Self.maximumSpares else { return }
        unsafe pushSpare(fresh.take())
        reservedBytes += segmentBytes
    }

    private mutating func pushSpare(_ memory: UnsafeMutableRawPointer) {
        unsafe memory.storeBytes(of: spares, as: UnsafeMutableRawPointer?.self)
        unsafe spares = memory
        spareCount += 1
    }

    // MARK: Segments

    /// Opens a new newest segment on spare memory.
    mutating func openSegment(firstSequence: UInt64) {
        guard let memory = unsafe spares else { preconditionFailure("no spare segment") }
        unsafe spares = memory.load(as: UnsafeMutableRawPointer?.self)
        spareCount -= 1
        unsafe push(memory, segmentBytes, firstSequence)
    }

    /// Opens a new newest segment on `fresh`, for what an ordinary one cannot hold.
    mutating func openSegment(firstSequence: UInt64, on fresh: inout FreshMemory) {
        let byteCount = fresh.byteCount
        unsafe push(fresh.take(), byteCount, firstSequence)
        reservedBytes += byteCount
    }

    private mutating func push(_ memory: UnsafeMutableRawPointer, _ byteCount: Int, _ firstSequence: UInt64) {
        precondition(hasFreeSlot)
        unsafe slots[Int(end & slotMask)] = unsafe Segment(
            memory: memory, capacity: byteCount, used: 0, firstSequence: firstSequence, recordCount: 0)
        end += 1
        liveBytes += byteCount
    }

    /// Drops the oldest segment; its memory rests.
    mutating func dropOldest() {
        precondition(!isEmpty)
        unsafe liveBytes -= slots[Int(oldest & slotMask)].capacity
        oldest += 1
    }

    /// Takes back resting segments below `floor`, the lowest segment number a reader may be copying from.
    mutating func reclaim(below floor: UInt64) {
        while resting < oldest, resting < floor {
            let segment = unsafe slots[Int(resting & slotMask)]
            if unsafe segment.capacity == segmentBytes, spareCount < Self.maximumSpares {
                unsafe pushSpare(segment.memory)
            } else {
                unsafe reservedBytes -= segment.capacity
                unsafe unmapMemory(segment.memory, byteCount: segment.capacity)
            }
            resting += 1
        }
    }

    /// How far the newest segment is filled, as a fraction, and how many records the oldest holds.
    var newestFill: (used: Int, capacity: Int) {
        let newest = unsafe slots[Int((end - 1) & slotMask)]
        return unsafe (newest.used, newest.capacity)
    }

    /// The sequence numbers of the oldest live segment.
    var oldestSequences: Range<UInt64> {
        let segment = unsafe slots[Int(oldest & slotMask)]
        return unsafe segment.firstSequence..<segment.firstSequence + UInt64(segment.recordCount)
    }

    // MARK: Records

    /// Writes a record and its message at the end of the newest segment, which has room.
    mutating func append(_ record: Record, _ message: Span<UInt8>) -> Location {
        // Pointed at once: ThreadSanitizer breaks the compiler over a change through `self.slots`.
        let segment = unsafe slots + Int((end - 1) & slotMask)
        let offset = unsafe segment.pointee.used
        let memory = unsafe segment.pointee.memory
        unsafe (memory + offset).storeBytes(of: record, as: Record.self)
        unsafe message.withUnsafeBytes { source in
            unsafe UnsafeMutableRawBufferPointer(start: memory + offset + Record.headerBytes, count: source.count)
                .copyMemory(from: source)
        }
        unsafe segment.pointee.recordCount += 1
        let entry = unsafe memory + segment.pointee.capacity - segment.pointee.recordCount * Self.tableEntryBytes
        unsafe entry.storeBytes(of: UInt32(offset), as: UInt32.self)
        unsafe segment.pointee.used += Record.storedBytes(for: message.count)
        return Location(segment: end - 1, offset: offset)
    }

    /// The stored message's bytes, to be stamped before anybody may read them.
    mutating func withMessage(at location: Location, byteCount: Int, _ body: (inout MutableSpan<UInt8>) -> Void) {
        let start = unsafe address(location) + Record.headerBytes
        var span = unsafe MutableSpan<UInt8>(
            _unsafeStart: start.assumingMemoryBound(to: UInt8.self), count: byteCount)
        body(&span)
    }

    /// The stored message's bytes.
    @_lifetime(borrow self)
    func message(at location: Location, byteCount: Int) -> Span<UInt8> {
        let start = unsafe UnsafePointer((address(location) + Record.headerBytes).assumingMemoryBound(to: UInt8.self))
        return unsafe _overrideLifetime(Span(_unsafeStart: start, count: byteCount), borrowing: self)
    }

    /// The record at a live location.
    subscript(location: Location) -> Record {
        unsafe address(location).load(as: Record.self)
    }

    mutating func setNext(of location: Location, to next: Location) {
        unsafe (address(location) + 40).storeBytes(of: next, as: Location.self)
    }

    /// Marks a message as taken back.
    mutating func setVoid(_ location: Location) {
        unsafe (address(location) + 16).storeBytes(of: Record.void, as: Int64.self)
    }

    /// Whether the location is in a live segment.
    func isLive(_ location: Location) -> Bool { location.segment >= oldest && location.segment < end }

    /// Where the live message `sequence` stands.
    func location(of sequence: UInt64) -> Location {
        var low = oldest
        var high = end - 1
        while low < high {
            let middle = (low + high + 1) / 2
            if unsafe slots[Int(middle & slotMask)].firstSequence <= sequence {
                low = middle
            } else {
                high = middle - 1
            }
        }
        let segment = unsafe slots[Int(low & slotMask)]
        let index = unsafe Int(sequence - segment.firstSequence)
        precondition(unsafe index < segment.recordCount)
        let entry = unsafe segment.memory + segment.capacity - (index + 1) * Self.tableEntryBytes
        return unsafe Location(segment: low, offset: Int(entry.load(as: UInt32.self)))
    }

    /// Where the message behind the one at `location` stands; nil at the end of the log.
    func location(behind location: Location, byteCount: Int) -> Location? {
        let offset = location.offset + Record.storedBytes(for: byteCount)
        if unsafe offset < slots[Int(location.segment & slotMask)].used {
            return Location(segment: location.segment, offset: offset)
        }
        var number = location.segment + 1
        while number < end {
            if unsafe slots[Int(number & slotMask)].recordCount > 0 { return Location(segment: number, offset: 0) }
            number += 1
        }
        return nil
    }

    private func address(_ location: Location) -> UnsafeMutableRawPointer {
        assert(location.segment >= resting && location.segment < end)
        return unsafe slots[Int(location.segment & slotMask)].memory + location.offset
    }

    /// Whether a filter lets the message at a live location through.
    func admits(
        _ filter: borrowing MessageFilter, _ location: Location, _ byteCount: Int, attributesAt offset: Int
    ) -> Bool {
        let start = unsafe UnsafePointer((address(location) + Record.headerBytes).assumingMemoryBound(to: UInt8.self))
        return filter.admits(unsafe Span(_unsafeStart: start, count: byteCount), attributesAt: offset)
    }

    /// Notes where a message's bytes stand, for a reader that copies them after the lock is released.
    func note(_ location: Location, byteCount: Int, in entries: inout ReadEntries) {
        let start = unsafe UnsafePointer((address(location) + Record.headerBytes).assumingMemoryBound(to: UInt8.self))
        unsafe entries.add(start, byteCount)
    }
}
