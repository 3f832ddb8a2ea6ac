import Synchronization

/// A number that goes up and down: one thread (the loop it belongs to) changes it, any thread may read.
///
/// As with `LoopCounter`, a second writer would lose changes.
public struct LoopGauge: ~Copyable, Sendable {
    @usableFromInline
    let cell = Atomic<Int64>(0)

    @inlinable
    public init() {}

    /// Adds `amount`, or takes away where it is negative. Owner's thread only.
    @inlinable
    public func add(_ amount: Int) {
        cell.store(cell.load(ordering: .relaxed) &+ Int64(amount), ordering: .relaxed)
    }

    /// Replaces the value. Owner's thread only.
    @inlinable
    public func set(_ newValue: Int) { cell.store(Int64(newValue), ordering: .relaxed) }

    /// The value now. Any thread.
    @inlinable
    public var value: Int64 { cell.load(ordering: .relaxed) }
}
