import Synchronization

/// A number that only grows: one thread (the loop it belongs to) adds, any thread may read.
///
/// One writer makes a load and a store enough, a plain addition in machine code without a bus lock. Two
/// writers would lose counts. Readers see every value in order, and the exact one once the writer rests.
public struct LoopCounter: ~Copyable, Sendable {
    @usableFromInline
    let cell = Atomic<UInt64>(0)

    @inlinable
    public init() {}

    /// Adds one. Owner's thread only.
    @inlinable
    public func increment() { add(UInt64(1)) }

    /// Adds `amount`. Owner's thread only.
    @inlinable
    public func add(_ amount: UInt64) { cell.addAsSingleWriter(amount) }

    /// Adds `amount`, which is not negative. Owner's thread only.
    @inlinable
    public func add(_ amount: Int) {
        assert(amount >= 0, "a counter only grows")
        add(UInt64(truncatingIfNeeded: amount))
    }

    /// What was counted so far. Any thread.
    @inlinable
    public var value: UInt64 { cell.load(ordering: .relaxed) }
}

extension Atomic where Value == UInt64 {
    /// Adds without a locked instruction, for cells that one thread alone changes.
    @inlinable
    func addAsSingleWriter(_ amount: UInt64) {
        store(load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }
}
