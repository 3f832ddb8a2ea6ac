/// A region of memory with one life: allocation is a pointer bump, nothing is freed singly, and one
/// `reset()` ends the life of everything in it.
///
/// What it hands out (`Span`, `MutableSpan`, `ArenaBuffer`) cannot be returned, stored, captured or used
/// after the reset: the compiler refuses it. One thread at a time.
@safe
public struct ScopedArena: ~Copyable {
    @usableFromInline let state: UnsafeMutablePointer<ArenaState>

    /// How large an arena starts and how far it may grow.
    public struct Limits: Sendable, Equatable {
        /// Bytes of the first chunk.
        public var initialBytes: Int
        /// Bytes all chunks together may take.
        public var maximumBytes: Int

        public init(initialBytes: Int = 16 * 1024, maximumBytes: Int = 16 * 1024 * 1024) {
            self.initialBytes = initialBytes
            self.maximumBytes = maximumBytes
        }
    }

    public init(limits: Limits = Limits()) {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: limits.initialBytes, alignment: 16)
        let chunk = unsafe memory.bindMemory(to: ArenaState.ChunkHeader.self, capacity: 1)
        unsafe chunk.initialize(to: .init(previous: nil, byteCount: limits.initialBytes))
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(
            to: ArenaState(
                cursor: memory + MemoryLayout<ArenaState.ChunkHeader>.size, end: memory + limits.initialBytes,
                chunk: chunk, reservedBytes: limits.initialBytes, limits: limits))
    }

    /// `count` elements, each `value`.
    @inlinable
    @_lifetime(borrow self)
    public borrowing func allocate<T: BitwiseCopyable>(
        repeating value: T, count: Int
    ) throws(ArenaError) -> MutableSpan<T> {
        let memory = unsafe try state.pointee.allocate(
            byteCount: count * MemoryLayout<T>.stride, alignment: MemoryLayout<T>.alignment)
        let typed = unsafe memory.bindMemory(to: T.self, capacity: count)
        unsafe typed.initialize(repeating: value, count: count)
        let span = unsafe MutableSpan(_unsafeStart: typed, count: count)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// A copy of `bytes` that lives as long as this arena's scope.
    @inlinable
    @_lifetime(borrow self)
    public borrowing func copy(_ bytes: Span<UInt8>) throws(ArenaError) -> Span<UInt8> {
        var buffer = ArenaBuffer(in: self, capacity: bytes.count)
        buffer.append(contentsOf: bytes)
        let span = try buffer.finish()
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// Ends the life of everything allocated. The first chunk stays.
    public mutating func reset() {
        releaseGrownChunks()
    }

    private func releaseGrownChunks() {
        while let previous = unsafe state.pointee.chunk.pointee.previous {
            unsafe state.pointee.reservedBytes -= state.pointee.chunk.pointee.byteCount
            unsafe UnsafeMutableRawPointer(state.pointee.chunk).deallocate()
            unsafe state.pointee.chunk = previous
        }
        let memory = unsafe UnsafeMutableRawPointer(state.pointee.chunk)
        unsafe state.pointee.cursor = memory + MemoryLayout<ArenaState.ChunkHeader>.size
        unsafe state.pointee.end = memory + state.pointee.chunk.pointee.byteCount
    }

    deinit {
        releaseGrownChunks()
        unsafe UnsafeMutableRawPointer(state.pointee.chunk).deallocate()
        unsafe state.deallocate()
    }
}
