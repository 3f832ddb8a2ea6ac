import Arenas

/// What a reader subscribes to: topics by name or pattern, and a filter on their messages. As one run of bytes it can
/// be kept and compared: two readers with the same bytes want the same messages.
public struct Subscription: ~Escapable {
    /// Topic names and patterns joined by commas, valid.
    public let topics: Span<UInt8>
    public let filter: MessageFilter
    /// Both in one: the topics, and behind a NUL, which no topic has, the compiled filter where there is one.
    public let packed: Span<UInt8>

    private static let separator: UInt8 = 0

    @_lifetime(copy packed)
    public init(packed: Span<UInt8>) {
        var end = 0
        while end < packed.count, packed[end] != Self.separator { end += 1 }
        self.packed = packed
        topics = packed.extracting(0..<end)
        filter = MessageFilter(compiled: packed.extracting(min(end + 1, packed.count)..<packed.count))
    }

    /// Writes what `init(packed:)` takes apart.
    @_lifetime(buffer: copy buffer)
    public static func pack(topics: Span<UInt8>, filter: borrowing MessageFilter, to buffer: inout ArenaBuffer) {
        buffer.append(contentsOf: topics)
        guard !filter.isEmpty else { return }
        buffer.append(separator)
        buffer.append(contentsOf: filter.compiled)
    }
}
