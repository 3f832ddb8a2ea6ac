/// A region of memory with one life: allocation is a pointer bump, nothing is freed singly, and one
/// `reset()` ends the life of everything in it.
///
/// What it hands out (`Span`, `MutableSpan`, `ArenaBuffer`) cannot be returned, stored, captured or used
/// after the reset: the compiler refuses it. One thread at a time.
///
/// Unsafe: turns raw arena memory into views, and ties their lives to the arena's.
@safe
public struct ScopedArena: ~Copyable {
    @usableFromInline let state: UnsafeMutablePointer<ArenaState>
    /// The arena's generation when this handle last began a scope; differs once the memory is another's.
    @usableFromInline var generation: UInt32

    /// How large an arena starts, how far it may grow, and what it keeps.
    public struct Limits: Sendable, Equatable {
        /// Bytes of the first chunk; 8 to 32 KiB serve most requests.
        public var initialBytes: Int
        /// Bytes all chunks together may take.
        public var maximumBytes: Int
        /// Bytes a reset keeps where the arena grew, so that a run of larger requests allocates once.
        public var retainedBytes: Int

        public init(
            initialBytes: Int = 16 * 1024, maximumBytes: Int = 16 * 1024 * 1024, retainedBytes: Int = 256 * 1024
        ) {
            self.initialBytes = initialBytes
            self.maximumBytes = maximumBytes
            self.retainedBytes = retainedBytes
        }

        /// `wantedBytes` as the size of an only chunk: rounded up, and between the first chunk and the cap.
        func chunkBytes(for wantedBytes: Int) -> Int {
            let largest = max(maximumBytes & ~15, Limits.smallestChunkBytes)
            let smallest = min(max(initialBytes, Limits.smallestChunkBytes), largest)
            return unsafe min(ArenaChunk.roundedUp(min(max(wantedBytes, smallest), largest)), largest)
        }

        /// A chunk's head and a little room.
        private static let smallestChunkBytes = 64
    }

    /// An arena of its own, outside any pool; frees its memory when it ends.
    ///
    /// Traps where the system has no memory for the first chunk.
    public init(limits: Limits = Limits()) {
        let size = limits.chunkBytes(for: limits.initialBytes)
        guard let state = unsafe ArenaState.make(limits: limits, firstChunkBytes: size) else {
            fatalError("no memory for an arena of \(size) bytes")
        }
        unsafe self.state = unsafe state
        self.generation = unsafe state.pointee.generation
    }

    /// The handle of a pooled arena; its end gives the arena back to the pool it came from.
    init(leasing state: UnsafeMutablePointer<ArenaState>) {
        unsafe self.state = unsafe state
        self.generation = unsafe state.pointee.generation
    }

    deinit {
        precondition(unsafe state.pointee.generation == generation, "an arena was given back twice")
        if let home = unsafe state.pointee.home {
            unsafe LocalPoolCore.release(home, state)
        } else {
            unsafe ArenaState.destroy(state)
        }
    }

    /// Bytes handed out since the last reset, alignment included.
    public var usedBytes: Int { unsafe state.pointee.usedBytes }

    /// Bytes of all chunks: what the arena holds of the process's memory.
    public var reservedBytes: Int { unsafe state.pointee.reservedBytes }

    /// `count` elements, each `value`. Traps where `count` is negative.
    /// - Throws: `ArenaError` where they do not fit under the cap or the pool's budget.
    @inlinable
    @_lifetime(borrow self)
    public borrowing func allocate<T: BitwiseCopyable>(
        repeating value: T, count: Int
    ) throws(ArenaError) -> MutableSpan<T> {
        assert(unsafe state.pointee.generation == generation, "an arena is used after it was given back")
        // Where the product wraps the largest number is asked for instead: over any cap.
        let product = count.multipliedReportingOverflow(by: MemoryLayout<T>.stride)
        precondition(count >= 0, "a negative number of elements was asked of an arena")
        let memory = unsafe try state.pointee.allocate(
            byteCount: product.overflow ? .max : product.partialValue, alignment: MemoryLayout<T>.alignment)
        let typed = unsafe memory.bindMemory(to: T.self, capacity: count)
        unsafe typed.initialize(repeating: value, count: count)
        let span = unsafe MutableSpan(_unsafeStart: typed, count: count)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// A copy of `bytes` that lives as long as this arena's scope.
    /// - Throws: `ArenaError` where it does not fit under the cap or the pool's budget.
    @inlinable
    @_lifetime(borrow self)
    public borrowing func copy(_ bytes: Span<UInt8>) throws(ArenaError) -> Span<UInt8> {
        let count = bytes.count
        let memory = unsafe try state.pointee.allocate(byteCount: count, alignment: 1)
        let copied = unsafe memory.bindMemory(to: UInt8.self, capacity: count)
        unsafe bytes.withUnsafeBufferPointer { source in
            if let base = source.baseAddress { unsafe copied.initialize(from: base, count: count) }
        }
        let span = unsafe Span(_unsafeStart: UnsafePointer(copied), count: count)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// Ends the life of everything allocated. Up to `Limits.retainedBytes` stay, as one chunk.
    public mutating func reset() {
        reset(retaining: unsafe min(state.pointee.limits.retainedBytes, state.pointee.reservedBytes))
    }

    /// Ends the life of everything allocated. Where the arena had grown, or holds more than `targetBytes`,
    /// one chunk of `targetBytes` stays (at least the first chunk's size, at most the cap).
    public mutating func reset(retaining targetBytes: Int) {
        unsafe state.pointee.reset(retaining: targetBytes)
        generation = unsafe state.pointee.generation
    }
}
