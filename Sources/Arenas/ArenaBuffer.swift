/// Bytes that grow inside an arena: what an encoder writes to while a request is processed.
///
/// Memory belongs to the arena. Appending past the arena's cap is remembered, writes nothing more, and is
/// thrown by `finish()`.
// unsafe: writes into the arena's memory, and hands it out as spans bound to the arena.
@safe
public struct ArenaBuffer: ~Copyable, ~Escapable, ByteSink {
    @usableFromInline let state: UnsafeMutablePointer<ArenaState>
    @usableFromInline var start: UnsafeMutablePointer<UInt8>
    @usableFromInline var length: Int
    @usableFromInline var capacity: Int
    @usableFromInline var error: ArenaError?

    /// An empty buffer in `arena`, with room for `capacity` bytes before it has to move.
    @inlinable
    @_lifetime(borrow arena)
    public init(in arena: borrowing ScopedArena, capacity: Int) {
        unsafe self.state = unsafe arena.state
        self.length = 0
        self.error = nil
        do throws(ArenaError) {
            let memory = unsafe try state.pointee.allocate(byteCount: capacity, alignment: 1)
            unsafe self.start = memory.assumingMemoryBound(to: UInt8.self)
            self.capacity = capacity
        } catch {
            unsafe self.start = state.pointee.cursor.assumingMemoryBound(to: UInt8.self)
            self.capacity = 0
            self.error = error
        }
    }

    /// How many bytes were appended so far.
    @inlinable
    public var count: Int { length }

    @inlinable
    @_lifetime(self: copy self)
    public mutating func append(_ byte: UInt8) {
        guard ensure(1) else { return }
        unsafe start[length] = byte
        length &+= 1
    }

    @inlinable
    @_lifetime(self: copy self)
    public mutating func append(contentsOf bytes: Span<UInt8>) {
        let added = bytes.count
        guard ensure(added) else { return }
        unsafe bytes.withUnsafeBufferPointer { source in
            if let base = source.baseAddress { unsafe (start + length).update(from: base, count: added) }
        }
        length &+= added
    }

    @inlinable
    @_lifetime(self: copy self)
    public mutating func append(_ literal: StaticString) {
        let added = literal.utf8CodeUnitCount
        guard ensure(added) else { return }
        unsafe (start + length).update(from: literal.utf8Start, count: added)
        length &+= added
    }

    /// Ends the buffer and returns its bytes, which live as long as the arena's scope.
    /// - Throws: `ArenaError.capExceeded` if anything appended did not fit.
    @inlinable
    @_lifetime(copy self)
    public consuming func finish() throws(ArenaError) -> Span<UInt8> {
        try finished()
    }

    // Apart from `finish()`: the compiler moves a consumed `self` that a lifetime is copied from to the heap.
    @inlinable
    @_lifetime(copy self)
    func finished() throws(ArenaError) -> Span<UInt8> {
        if let error { throw error }
        let span = unsafe Span(_unsafeStart: start, count: length)
        return unsafe _overrideLifetime(span, copying: self)
    }

    @inlinable
    @_lifetime(self: copy self)
    mutating func ensure(_ added: Int) -> Bool {
        if length &+ added <= capacity { return true }
        return grow(added)
    }

    @usableFromInline
    @_lifetime(self: copy self)
    mutating func grow(_ added: Int) -> Bool {
        if error != nil { return false }
        let wanted = max(capacity * 2, length + added, 64)
        // Loaded once: under ThreadSanitizer an access through `self.state` counts as an escape of `self`.
        let state = unsafe self.state
        do throws(ArenaError) {
            if unsafe state.pointee.extend(start, from: capacity, to: wanted) {
                capacity = wanted
                return true
            }
            let memory = unsafe try state.pointee.allocate(byteCount: wanted, alignment: 1)
            let moved = unsafe memory.assumingMemoryBound(to: UInt8.self)
            unsafe moved.update(from: start, count: length)
            unsafe start = moved
            capacity = wanted
            return true
        } catch {
            self.error = error
            return false
        }
    }
}
