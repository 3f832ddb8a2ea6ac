import Arenas

/// The address of a view's first byte, for tests that ask where memory lies and what became of it.
func address<T: BitwiseCopyable>(of view: borrowing MutableSpan<T>) -> UInt {
    unsafe view.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) }
}

func address(of view: Span<UInt8>) -> UInt {
    unsafe view.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) }
}

/// What `error` a call throws, or nothing.
func thrown<E: Error>(_ type: E.Type, _ body: () throws(E) -> Void) -> E? {
    do throws(E) { try body() } catch { return error }
    return nil
}

/// Takes `byteCount` bytes of an arena in one piece; returns where they lie.
@discardableResult
func take(_ byteCount: Int, from arena: borrowing ScopedArena) throws(ArenaError) -> UInt {
    let view = try arena.allocate(repeating: UInt8(0x41), count: byteCount)
    return address(of: view)
}

/// Bytes of a chunk that hold no data, at most.
let chunkOverheadBytes = 64

extension Span<UInt8> {
    /// A copy, to be compared.
    var array: [UInt8] { indices.map { self[$0] } }
}
