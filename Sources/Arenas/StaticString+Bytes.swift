// Unsafe: a literal's bytes are reached by a pointer, which is good for the program's life; the index is checked.
extension StaticString {
    /// The literal's byte at `index`, which is below `utf8CodeUnitCount`. Builds no `String`.
    @inlinable
    public subscript(index: Int) -> UInt8 {
        precondition(hasPointerRepresentation && index >= 0 && index < utf8CodeUnitCount)
        return unsafe utf8Start[index]
    }
}
