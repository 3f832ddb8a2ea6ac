/// Stands for one byte string of an `InternPool`: small and dense, so that it may index an array.
///
/// Good until its last holder releases it; the number is then given to another string.
public struct InternedID: BitwiseCopyable, Hashable, Sendable {
    public let rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }
}

/// Why an `InternPool` took no more.
public enum InternError: Error, Equatable, Sendable {
    /// As many distinct strings as it may hold are there.
    case countExceeded(limit: Int)
    /// Its strings would take more bytes than it may hold.
    case bytesExceeded(limitBytes: Int)
}
