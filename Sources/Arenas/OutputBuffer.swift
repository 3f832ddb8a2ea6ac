/// Bytes that grow on the heap and are used again: what a loop writes its replies to.
///
/// Owns its memory and frees it when it ends. `removeAll()` keeps the memory, so that a loop in steady
/// state allocates nothing. One thread at a time.
// unsafe: owns its memory, and hands it out as spans bound to the buffer.
@safe
public struct OutputBuffer: ~Copyable, ByteSink {
    @usableFromInline var start: UnsafeMutablePointer<UInt8>
    @usableFromInline var length: Int
    @usableFromInline var capacity: Int

    /// An empty buffer with room for `capacity` bytes.
    public init(capacity: Int) {
        unsafe self.start = .allocate(capacity: max(capacity, 1))
        self.length = 0
        self.capacity = max(capacity, 1)
    }

    deinit { unsafe start.deallocate() }

    /// How many bytes stand in the buffer.
    @inlinable
    public var count: Int { length }

    /// How many bytes fit before the buffer has to move.
    @inlinable
    public var reservedBytes: Int { capacity }

    /// The bytes appended so far; gone with the next mutation.
    @inlinable
    public var span: Span<UInt8> {
        @_lifetime(borrow self)
        borrowing get {
            let span = unsafe Span(_unsafeStart: UnsafePointer(start), count: length)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The bytes appended so far, to be changed in place (a length or a cursor known only later).
    @inlinable
    public var mutableSpan: MutableSpan<UInt8> {
        @_lifetime(&self)
        mutating get {
            let span = unsafe MutableSpan(_unsafeStart: start, count: length)
            return unsafe _overrideLifetime(span, mutating: &self)
        }
    }

    /// Forgets the bytes from `count` on and keeps the memory.
    @inlinable
    public mutating func truncate(to count: Int) {
        precondition(count >= 0 && count <= length)
        length = count
    }

    /// Forgets the first `count` bytes and moves the rest to the front.
    public mutating func removeFirst(_ count: Int) {
        precondition(count >= 0 && count <= length)
        unsafe start.update(from: start + count, count: length - count)
        length -= count
    }

    /// Forgets the bytes and keeps the memory.
    @inlinable
    public mutating func removeAll() { length = 0 }

    /// Gives memory back where more than `byteCount` is held; only while empty.
    public mutating func shrink(to byteCount: Int) {
        guard length == 0, capacity > byteCount else { return }
        unsafe start.deallocate()
        unsafe start = .allocate(capacity: max(byteCount, 1))
        capacity = max(byteCount, 1)
    }

    @inlinable
    public mutating func append(_ byte: UInt8) {
        reserve(1)
        unsafe start[length] = byte
        length &+= 1
    }

    @inlinable
    public mutating func append(contentsOf bytes: Span<UInt8>) {
        let added = bytes.count
        reserve(added)
        unsafe bytes.withUnsafeBufferPointer { source in
            if let base = source.baseAddress { unsafe (start + length).update(from: base, count: added) }
        }
        length &+= added
    }

    /// Appends what stands in another buffer.
    @inlinable
    public mutating func append(contentsOf buffer: borrowing OutputBuffer) { append(contentsOf: buffer.span) }

    @inlinable
    public mutating func append(_ literal: StaticString) {
        let added = literal.utf8CodeUnitCount
        reserve(added)
        unsafe (start + length).update(from: literal.utf8Start, count: added)
        length &+= added
    }

    /// Makes room for `added` more bytes.
    @inlinable
    public mutating func reserve(_ added: Int) {
        if length &+ added > capacity { grow(added) }
    }

    @usableFromInline
    mutating func grow(_ added: Int) {
        let wanted = max(capacity * 2, length + added)
        let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: wanted)
        unsafe moved.update(from: start, count: length)
        unsafe start.deallocate()
        unsafe start = moved
        capacity = wanted
    }
}
