/// A growing array whose elements never move: what is addressed by a small index for a long time (a connection's
/// exchange, a waiter, a topic's state).
///
/// Owns its memory in chunks; growing copies nothing. Memory is kept until the array ends. One thread at a time.
// unsafe: chunks of raw memory behind bounds-checked indices.
@safe
public struct StableArray<Element: ~Copyable>: ~Copyable {
    @usableFromInline var chunks: UnsafeMutablePointer<UnsafeMutablePointer<Element>>
    @usableFromInline var chunkCount = 0
    @usableFromInline var chunkCapacity: Int

    @usableFromInline static var chunkShift: Int { 8 }
    /// Elements in a chunk.
    @inlinable public static var chunkSize: Int { 1 << chunkShift }

    public init() {
        chunkCapacity = 16
        unsafe chunks = .allocate(capacity: 16)
    }

    deinit {
        for index in 0..<chunkCount {
            unsafe chunks[index].deinitialize(count: Self.chunkSize)
            unsafe chunks[index].deallocate()
        }
        unsafe chunks.deallocate()
    }

    /// Indices below this may be used.
    @inlinable public var count: Int { chunkCount << Self.chunkShift }

    /// Makes `index` usable; new elements are made by `make`. Allocates only where a chunk is missing.
    public mutating func reserve(through index: Int, _ make: () -> Element) {
        while index >= count {
            if chunkCount == chunkCapacity { growDirectory() }
            let chunk = UnsafeMutablePointer<Element>.allocate(capacity: Self.chunkSize)
            for position in 0..<Self.chunkSize { unsafe (chunk + position).initialize(to: make()) }
            unsafe chunks[chunkCount] = unsafe chunk
            chunkCount += 1
        }
    }

    private mutating func growDirectory() {
        let moved = UnsafeMutablePointer<UnsafeMutablePointer<Element>>.allocate(capacity: chunkCapacity * 2)
        unsafe moved.update(from: chunks, count: chunkCount)
        unsafe chunks.deallocate()
        unsafe chunks = moved
        chunkCapacity *= 2
    }

    /// The element at `index`, which is below `count`.
    @inlinable
    public subscript(index: Int) -> Element {
        _read {
            precondition(index >= 0 && index < count)
            yield unsafe chunks[index >> Self.chunkShift][index & (Self.chunkSize - 1)]
        }
        _modify {
            precondition(index >= 0 && index < count)
            yield unsafe &chunks[index >> Self.chunkShift][index & (Self.chunkSize - 1)]
        }
    }
}
