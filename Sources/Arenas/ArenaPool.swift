import Synchronization

/// All arenas of a process: what bounds their memory, and where loops leave arenas they have no room for.
///
/// Any thread may use it. Each loop leases from a `LocalArenaPool` of its own; this object comes into play
/// only where that list is empty or full, and where chunks are allocated or freed.
///
/// Unsafe: links idle arenas and local pools by pointers, under a lock.
@safe
public final class ArenaPool: Sendable {
    public struct Configuration: Sendable, Equatable {
        /// Bytes of an arena's first chunk; 8 to 32 KiB.
        public var initialBytes: Int
        /// Bytes one arena may take; over it, allocation throws `ArenaError.capExceeded`.
        public var maximumBytes: Int
        /// Idle arenas each loop keeps for itself.
        public var localCapacity: Int
        /// Idle arenas the shared overflow keeps.
        public var sharedCapacity: Int
        /// Bytes all arenas together may reserve, idle ones included.
        public var budgetBytes: Int
        /// Bytes an idle arena retains at most, however large recent requests were.
        public var retainMaximumBytes: Int
        /// Seconds an arena may be idle before a trim frees it; a loop keeps its last one.
        public var idleSeconds: Int
        /// Seconds after which what is known of recent requests counts half.
        public var fadeSeconds: Int

        public init(
            initialBytes: Int = 16 * 1024, maximumBytes: Int = 4 * 1024 * 1024, localCapacity: Int = 64,
            sharedCapacity: Int = 64, budgetBytes: Int = 256 * 1024 * 1024, retainMaximumBytes: Int = 256 * 1024,
            idleSeconds: Int = 30, fadeSeconds: Int = 10
        ) {
            self.initialBytes = initialBytes
            self.maximumBytes = maximumBytes
            self.localCapacity = localCapacity
            self.sharedCapacity = sharedCapacity
            self.budgetBytes = budgetBytes
            self.retainMaximumBytes = retainMaximumBytes
            self.idleSeconds = idleSeconds
            self.fadeSeconds = fadeSeconds
        }

        /// Bytes of the budget that lasting leases may take together. The rest is for immediate ones, which end before
        /// their peer can do anything: those who keep us waiting cannot take all room from those who do not.
        public var lastingBytes: Int { budgetBytes / 4 * 3 }

        var limits: ScopedArena.Limits {
            ScopedArena.Limits(
                initialBytes: initialBytes, maximumBytes: maximumBytes, retainedBytes: retainMaximumBytes)
        }
    }

    public let configuration: Configuration
    private let reserved = Atomic<Int>(0)
    /// Of those, bytes of arenas on lasting leases.
    private let lasting = Atomic<Int>(0)
    /// Grows each time somebody had to be refused, so that loops give up what they keep idle.
    private let refusals = Atomic<Int>(0)
    /// How many arenas the overflow holds, to be read without its lock.
    private let sharedCount = Atomic<Int>(0)
    private let lastTrimSeconds = Atomic<Int>(.min)
    private let shared = unsafe Mutex(Shared())
    private let handover = Atomic<Bool>(false)

    @unsafe
    private struct Shared: ~Copyable {
        var idle: UnsafeMutablePointer<ArenaState>?
        var count = 0
        var bytes = 0
        var cores: UnsafeMutablePointer<LocalPoolCore>?
        /// What local pools counted that are gone.
        var retired = ArenaPoolStatistics()

        mutating func popIdle() -> UnsafeMutablePointer<ArenaState>? {
            guard let state = unsafe idle else { return nil }
            unsafe idle = state.pointee.next
            unsafe state.pointee.next = nil
            unsafe count -= 1
            unsafe bytes -= state.pointee.reservedBytes
            return unsafe state
        }

        mutating func pushIdle(_ state: UnsafeMutablePointer<ArenaState>) {
            unsafe state.pointee.next = idle
            unsafe idle = state
            unsafe count += 1
            unsafe bytes += state.pointee.reservedBytes
        }
    }

    /// Lets a pointer through the lock: what it points to is used by the lock's holder only.
    @unsafe
    private struct Guarded<Pointee: ~Copyable>: @unchecked Sendable {
        let pointer: UnsafeMutablePointer<Pointee>
    }

    public init(configuration: Configuration = Configuration()) {
        precondition(configuration.initialBytes > 0 && configuration.maximumBytes >= configuration.initialBytes)
        precondition(configuration.localCapacity >= 0 && configuration.sharedCapacity >= 0)
        precondition(configuration.idleSeconds > 0 && configuration.fadeSeconds > 0)
        self.configuration = configuration
    }

    deinit {
        while let state = unsafe takeShared() {
            unsafe unreserve(state.pointee.reservedBytes)
            unsafe ArenaState.destroy(state)
        }
        assert(reserved.load(ordering: .relaxed) == 0, "an arena's bytes were not given back to the budget")
        assert(lasting.load(ordering: .relaxed) == 0, "a lasting lease's bytes were not given back")
    }

    /// A pool for one loop. It keeps this pool alive.
    public func makeLocal() -> sending LocalArenaPool {
        let core = UnsafeMutablePointer<LocalPoolCore>.allocate(capacity: 1)
        unsafe core.initialize(to: LocalPoolCore(pool: self))
        let guarded = unsafe Guarded(pointer: core)
        unsafe withShared { shared in
            unsafe guarded.pointer.pointee.nextCore = shared.cores
            unsafe shared.cores = guarded.pointer
        }
        return unsafe LocalArenaPool(core: core)
    }

    /// Bytes all arenas reserve now.
    public var reservedBytes: Int { reserved.load(ordering: .relaxed) }

    /// What the pool and its local pools did so far and hold now.
    public func statistics() -> ArenaPoolStatistics {
        unsafe withShared { shared in
            var sum = unsafe shared.retired
            var next = unsafe shared.cores
            while let core = unsafe next {
                unsafe core.pointee.counters.add(to: &sum)
                unsafe next = core.pointee.nextCore
            }
            unsafe sum.idle += shared.count
            unsafe sum.idleBytes += shared.bytes
            sum.reservedBytes = reserved.load(ordering: .relaxed)
            return sum
        }
    }

    /// Frees arenas that stood in the overflow for `Configuration.idleSeconds`. Each local pool's trim calls
    /// it; once a second is enough, and more often does nothing.
    public func trim(nowSeconds: Int) {
        let last = lastTrimSeconds.load(ordering: .relaxed)
        guard nowSeconds > last, sharedCount.load(ordering: .relaxed) > 0,
            lastTrimSeconds.compareExchange(expected: last, desired: nowSeconds, ordering: .relaxed).exchanged
        else { return }
        let idleSeconds = configuration.idleSeconds
        unsafe withShared { shared in
            // Popped into a second list and back, which turns the order: nobody minds.
            var staying: UnsafeMutablePointer<ArenaState>?
            while let state = unsafe shared.popIdle() {
                if unsafe nowSeconds - state.pointee.idleSinceSeconds >= idleSeconds {
                    unsafe shared.retired.idleFreed += 1
                    unsafe unreserve(state.pointee.reservedBytes)
                    unsafe ArenaState.destroy(state)
                } else {
                    unsafe state.pointee.next = staying
                    unsafe staying = state
                }
            }
            while let state = unsafe staying {
                unsafe staying = state.pointee.next
                unsafe shared.pushIdle(state)
            }
            unsafe sharedCount.store(shared.count, ordering: .relaxed)
        }
    }

    /// Runs `body` under the lock of what is shared.
    private func withShared<Result>(_ body: (inout sending Shared) -> sending Result) -> sending Result {
        unsafe shared.withLock { shared in
            // ThreadSanitizer does not see a contended lock change hands, since that happens inside the
            // standard library; it sees this pair, which costs two plain moves.
            _ = handover.load(ordering: .acquiring)
            defer { handover.store(true, ordering: .releasing) }
            return unsafe body(&shared)
        }
    }

    // MARK: For local pools

    func reserve(_ byteCount: Int) -> Bool { Self.add(byteCount, to: reserved, atMost: configuration.budgetBytes) }
    func unreserve(_ byteCount: Int) { reserved.subtract(byteCount, ordering: .relaxed) }

    /// Counts bytes that are reserved as a lasting lease's; false where such leases have their part of the budget.
    func reserveLasting(_ byteCount: Int) -> Bool {
        Self.add(byteCount, to: lasting, atMost: configuration.lastingBytes)
    }
    func unreserveLasting(_ byteCount: Int) { lasting.subtract(byteCount, ordering: .relaxed) }

    private static func add(_ byteCount: Int, to sum: borrowing Atomic<Int>, atMost limit: Int) -> Bool {
        var current = sum.load(ordering: .relaxed)
        while byteCount <= limit - current {
            let outcome = sum.weakCompareExchange(expected: current, desired: current + byteCount, ordering: .relaxed)
            if outcome.exchanged { return true }
            current = outcome.original
        }
        return false
    }

    var pressure: Int { refusals.load(ordering: .relaxed) }
    func raisePressure() { refusals.add(1, ordering: .relaxed) }

    /// An arena of the overflow, which then belongs to the caller.
    func takeShared() -> UnsafeMutablePointer<ArenaState>? {
        guard sharedCount.load(ordering: .relaxed) > 0 else { return nil }
        return unsafe withShared { shared -> Guarded<ArenaState>? in
            guard let state = unsafe shared.popIdle() else { return nil }
            unsafe sharedCount.store(shared.count, ordering: .relaxed)
            return unsafe Guarded(pointer: state)
        }?.pointer
    }

    /// Puts an empty arena into the overflow; false where that is full.
    func putShared(_ state: UnsafeMutablePointer<ArenaState>) -> Bool {
        let guarded = unsafe Guarded(pointer: state)
        return unsafe withShared { shared in
            guard unsafe shared.count < configuration.sharedCapacity else { return false }
            unsafe guarded.pointer.pointee.home = nil
            unsafe shared.pushIdle(guarded.pointer)
            unsafe sharedCount.store(shared.count, ordering: .relaxed)
            return true
        }
    }

    /// Takes a local pool that ends out of the list, and keeps what it counted.
    func unregister(_ core: UnsafeMutablePointer<LocalPoolCore>) {
        let guarded = unsafe Guarded(pointer: core)
        unsafe withShared { shared in
            unsafe guarded.pointer.pointee.counters.retainTargetBytes.set(0)
            unsafe guarded.pointer.pointee.counters.add(to: &shared.retired)
            if unsafe shared.cores == guarded.pointer {
                unsafe shared.cores = guarded.pointer.pointee.nextCore
                return
            }
            var next = unsafe shared.cores
            while let other = unsafe next {
                if unsafe other.pointee.nextCore == guarded.pointer {
                    unsafe other.pointee.nextCore = guarded.pointer.pointee.nextCore
                    return
                }
                unsafe next = other.pointee.nextCore
            }
        }
    }
}
