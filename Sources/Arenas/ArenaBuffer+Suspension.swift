// Unsafe: a suspended buffer is a raw handle; its generation is checked before it is believed.
extension ArenaBuffer {
    /// A buffer laid aside between two events of its request: a body that arrives in pieces.
    ///
    /// A plain value that holds nothing alive; it is good only with the arena it came from, until that is reset.
    @safe
    public struct Suspended: BitwiseCopyable {
        let state: UnsafeMutablePointer<ArenaState>
        let start: UnsafeMutablePointer<UInt8>
        let length: Int
        let capacity: Int
        let generation: UInt32
    }

    /// Lays the buffer aside.
    /// - Throws: what `finish()` would throw, if anything appended did not fit.
    public consuming func suspend() throws(ArenaError) -> Suspended {
        if let error { throw error }
        return unsafe Suspended(
            state: state, start: start, length: length, capacity: capacity, generation: state.pointee.generation)
    }

    /// Takes up a buffer that was laid aside.
    ///
    /// Traps where `arena` is not the one it came from, or was reset since.
    @_lifetime(borrow arena)
    public init(resuming suspended: Suspended, in arena: borrowing ScopedArena) {
        precondition(
            unsafe suspended.state == arena.state && suspended.generation == arena.state.pointee.generation,
            "a suspended buffer outlived its arena's scope")
        unsafe self.state = unsafe suspended.state
        unsafe self.start = unsafe suspended.start
        self.length = suspended.length
        self.capacity = suspended.capacity
        self.error = nil
    }

    /// The bytes appended so far; gone with the next mutation.
    public var span: Span<UInt8> {
        @_lifetime(borrow self)
        borrowing get {
            let span = unsafe Span(_unsafeStart: start, count: length)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }
}
