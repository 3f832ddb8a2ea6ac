import Synchronization

/// What a pool and all its local pools did and hold: one moment's sum, taken by `ArenaPool.statistics()`.
///
/// Every counter is exact; counters of loops at work are read one after another, so two of them may
/// differ by what happened in between.
public struct ArenaPoolStatistics: Sendable, Equatable {
    /// Arenas that wait for work, in local lists and in the shared overflow.
    public internal(set) var idle = 0
    /// Arenas on lease.
    public internal(set) var inUse = 0
    /// Arenas there are.
    public var capacity: Int { idle + inUse }

    /// Leases by where the arena came from: the loop's own list, the shared overflow, or newly made.
    public internal(set) var acquiresLocal = 0
    public internal(set) var acquiresShared = 0
    public internal(set) var acquiresCreated = 0

    /// Ended leases by what became of the arena: back to the loop's list as it was, to the shared overflow,
    /// back to the loop's list after giving memory back, or freed.
    public internal(set) var releasesLocal = 0
    public internal(set) var releasesShared = 0
    public internal(set) var releasesTrimmed = 0
    public internal(set) var releasesFreed = 0
    /// Arenas freed while they were idle.
    public internal(set) var idleFreed = 0

    /// Leases refused because the budget was used up, or the system had no memory.
    public internal(set) var acquireFailuresBudget = 0
    /// Leased arenas that could not grow for the same reasons.
    public internal(set) var growthFailures = 0
    /// Requests refused for their announced size, before an arena was leased.
    public internal(set) var oversizeRejections = 0

    /// Bytes of all chunks of all arenas.
    public internal(set) var reservedBytes = 0
    /// The part of them that idle arenas hold.
    public internal(set) var idleBytes = 0
    /// What an arena retains at most between leases: the largest of the loops' targets.
    public internal(set) var retainTargetBytes = 0
    /// Chunks asked from the system so far.
    public internal(set) var chunkAllocations = 0

    /// Bytes that left an arena by copy, and by interning.
    public internal(set) var promotedCopyBytes = 0
    public internal(set) var promotedInternBytes = 0
}

/// A number that one thread changes and any may read.
struct SingleWriterCounter: ~Copyable {
    private let value = Atomic<Int>(0)

    // A load and a store, not an atomic addition: there is one writer, and this costs no bus lock.
    func add(_ amount: Int) { value.store(value.load(ordering: .relaxed) &+ amount, ordering: .relaxed) }
    func set(_ amount: Int) { value.store(amount, ordering: .relaxed) }
    var current: Int { value.load(ordering: .relaxed) }
}

/// What one local pool counts.
struct LocalPoolCounters: ~Copyable {
    let idle = SingleWriterCounter()
    let idleBytes = SingleWriterCounter()
    let retainTargetBytes = SingleWriterCounter()
    let acquiresLocal = SingleWriterCounter()
    let acquiresShared = SingleWriterCounter()
    let acquiresCreated = SingleWriterCounter()
    let releasesLocal = SingleWriterCounter()
    let releasesShared = SingleWriterCounter()
    let releasesTrimmed = SingleWriterCounter()
    let releasesFreed = SingleWriterCounter()
    let idleFreed = SingleWriterCounter()
    let acquireFailuresBudget = SingleWriterCounter()
    let growthFailures = SingleWriterCounter()
    let oversizeRejections = SingleWriterCounter()
    let chunkAllocations = SingleWriterCounter()
    let promotedCopyBytes = SingleWriterCounter()
    let promotedInternBytes = SingleWriterCounter()

    /// Adds all counters to `sum`; gauges only where the local pool is still there.
    func add(to sum: inout ArenaPoolStatistics) {
        sum.idle += idle.current
        sum.idleBytes += idleBytes.current
        sum.retainTargetBytes = max(sum.retainTargetBytes, retainTargetBytes.current)
        // Releases before acquires: what is counted between the two reads makes `inUse` too large, never negative.
        let releasesLocal = releasesLocal.current
        let releasesShared = releasesShared.current
        let releasesTrimmed = releasesTrimmed.current
        let releasesFreed = releasesFreed.current
        let acquiresLocal = acquiresLocal.current
        let acquiresShared = acquiresShared.current
        let acquiresCreated = acquiresCreated.current
        sum.inUse += max(
            acquiresLocal + acquiresShared + acquiresCreated
                - (releasesLocal + releasesShared + releasesTrimmed + releasesFreed), 0)
        sum.releasesLocal += releasesLocal
        sum.releasesShared += releasesShared
        sum.releasesTrimmed += releasesTrimmed
        sum.releasesFreed += releasesFreed
        sum.acquiresLocal += acquiresLocal
        sum.acquiresShared += acquiresShared
        sum.acquiresCreated += acquiresCreated
        sum.idleFreed += idleFreed.current
        sum.acquireFailuresBudget += acquireFailuresBudget.current
        sum.growthFailures += growthFailures.current
        sum.oversizeRejections += oversizeRejections.current
        sum.chunkAllocations += chunkAllocations.current
        sum.promotedCopyBytes += promotedCopyBytes.current
        sum.promotedInternBytes += promotedInternBytes.current
    }
}
