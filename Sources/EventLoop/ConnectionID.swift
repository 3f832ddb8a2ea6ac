/// Names one connection of one loop. The generation tells it from an earlier connection in the same place, so that a
/// stale name is noticed and ignored.
public struct ConnectionID: Hashable, Sendable, BitwiseCopyable {
    public let index: UInt32
    public let generation: UInt32

    init(index: UInt32, generation: UInt32) {
        self.index = index
        self.generation = generation
    }

    /// The same as one number.
    public var packed: UInt64 { UInt64(generation) << 32 | UInt64(index) }

    public init(packed: UInt64) {
        index = UInt32(truncatingIfNeeded: packed)
        generation = UInt32(packed >> 32)
    }
}

/// Why a connection ended.
public enum CloseReason: UInt8, Sendable, CaseIterable, BitwiseCopyable {
    /// We closed it on purpose.
    case finished
    /// The peer closed it.
    case peerClosed
    /// The peer reset it, or it broke.
    case failed
    /// The peer did not read what it asked for, and held more than it may.
    case slowReader
    /// The loop ended.
    case loopEnded
}
