/// Something bytes are appended to: an `ArenaBuffer` inside an arena, or an `OutputBuffer` of a loop.
///
/// Appending never throws, so that encoders stay straight lines of code; a sink that can run out of
/// room remembers it and says so when it is finished.
public protocol ByteSink: ~Copyable, ~Escapable {
    /// Appends one byte.
    mutating func append(_ byte: UInt8)
    /// Appends a copy of all of `bytes`.
    mutating func append(contentsOf bytes: Span<UInt8>)
    /// Appends the UTF-8 of a literal, without building a `String`.
    mutating func append(_ literal: StaticString)
}
