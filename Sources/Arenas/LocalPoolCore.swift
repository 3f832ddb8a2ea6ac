/// The interior of a `LocalArenaPool`: an intrusive list of idle arenas, the newest first.
///
/// It lives until both the pool's object and its last lease are gone.
/// Unsafe: arenas and cores are linked by pointers that only one thread follows.
@unsafe
struct LocalPoolCore: ~Copyable {
    let pool: ArenaPool
    let counters = LocalPoolCounters()
    /// The next in the pool's list of cores; guarded by the pool's lock.
    var nextCore: UnsafeMutablePointer<LocalPoolCore>?

    private var idle: UnsafeMutablePointer<ArenaState>?
    private(set) var idleCount = 0
    private var inUse = 0
    private(set) var retainTargetBytes: Int
    private var recentUse = RecentUse()
    private var nowSeconds: Int?
    private var lastFadeSeconds = 0
    private var seenPressure: Int
    /// How many idle arenas the list takes; none once the pool's object is gone.
    private var localCapacity: Int
    private var isClosed = false

    init(pool: ArenaPool) {
        unsafe self.pool = pool
        unsafe self.seenPressure = pool.pressure
        unsafe self.localCapacity = pool.configuration.localCapacity
        unsafe self.retainTargetBytes = pool.configuration.limits.chunkBytes(for: 0)
        unsafe counters.retainTargetBytes.set(retainTargetBytes)
    }

    // MARK: Leasing

    static func acquire(
        _ core: UnsafeMutablePointer<LocalPoolCore>, expectedBytes: Int, isLasting: Bool
    ) throws(ArenaPoolError) -> UnsafeMutablePointer<ArenaState> {
        let state = unsafe try acquire(core, expectedBytes: expectedBytes)
        guard isLasting else { return unsafe state }
        guard unsafe core.pointee.pool.reserveLasting(state.pointee.reservedBytes) else {
            unsafe core.pointee.inUse -= 1
            unsafe core.pointee.counters.releasesLocal.add(1)
            unsafe core.pointee.pushIdle(state)
            throw unsafe core.pointee.refusal()
        }
        unsafe state.pointee.isLasting = true
        return unsafe state
    }

    private static func acquire(
        _ core: UnsafeMutablePointer<LocalPoolCore>, expectedBytes: Int
    ) throws(ArenaPoolError) -> UnsafeMutablePointer<ArenaState> {
        if let state = unsafe core.pointee.popIdle() {
            guard unsafe state.pointee.hasRoom(for: expectedBytes) || state.pointee.prepare(for: expectedBytes) else {
                unsafe core.pointee.pushIdle(state)
                throw unsafe core.pointee.refusal()
            }
            unsafe core.pointee.counters.acquiresLocal.add(1)
            unsafe core.pointee.inUse += 1
            return unsafe state
        }
        return unsafe try acquireElsewhere(core, expectedBytes: expectedBytes)
    }

    private static func acquireElsewhere(
        _ core: UnsafeMutablePointer<LocalPoolCore>, expectedBytes: Int
    ) throws(ArenaPoolError) -> UnsafeMutablePointer<ArenaState> {
        let pool = unsafe core.pointee.pool
        if let state = unsafe pool.takeShared() {
            unsafe state.pointee.home = core
            guard unsafe state.pointee.hasRoom(for: expectedBytes) || state.pointee.prepare(for: expectedBytes) else {
                unsafe core.pointee.pushIdle(state)
                throw unsafe core.pointee.refusal()
            }
            unsafe core.pointee.counters.acquiresShared.add(1)
            unsafe core.pointee.inUse += 1
            return unsafe state
        }
        let limits = pool.configuration.limits
        let wanted = max(expectedBytes, 0) > limits.maximumBytes ? limits.maximumBytes : max(expectedBytes, 0)
        let size = unsafe limits.chunkBytes(for: wanted + ArenaChunk.headBytes)
        guard unsafe reserve(core, size) else { throw unsafe core.pointee.refusal() }
        guard let state = unsafe ArenaState.make(limits: limits, firstChunkBytes: size) else {
            unsafe core.pointee.unreserve(size)
            throw unsafe core.pointee.refusal()
        }
        unsafe state.pointee.home = core
        unsafe core.pointee.counters.chunkAllocations.add(1)
        unsafe core.pointee.counters.acquiresCreated.add(1)
        unsafe core.pointee.inUse += 1
        return unsafe state
    }

    private func refusal() -> ArenaPoolError {
        unsafe counters.acquireFailuresBudget.add(1)
        return .budgetExhausted
    }

    /// Takes an arena back at the end of its lease.
    static func release(_ core: UnsafeMutablePointer<LocalPoolCore>, _ state: UnsafeMutablePointer<ArenaState>) {
        unsafe core.pointee.recentUse.record(state.pointee.usedBytes)
        if unsafe state.pointee.isLasting {
            unsafe core.pointee.pool.unreserveLasting(state.pointee.reservedBytes)
            unsafe state.pointee.isLasting = false
        }
        let reservedBefore = unsafe state.pointee.reservedBytes
        // Up to twice the target stays: a target that wavers between two sizes must not cost an allocation
        // a request. The next `trim` takes what is too much from those that stay idle.
        if unsafe state.pointee.isOneChunk(ofAtMost: 2 * core.pointee.retainTargetBytes) {
            unsafe state.pointee.rewind()
        } else {
            unsafe core.pointee.followRecentUse()
            unsafe state.pointee.reset(retaining: core.pointee.retainTargetBytes)
        }
        unsafe core.pointee.inUse -= 1
        guard unsafe core.pointee.idleCount < core.pointee.localCapacity else {
            unsafe releaseElsewhere(core, state)
            return
        }
        if unsafe state.pointee.reservedBytes < reservedBefore {
            unsafe core.pointee.counters.releasesTrimmed.add(1)
        } else {
            unsafe core.pointee.counters.releasesLocal.add(1)
        }
        unsafe core.pointee.pushIdle(state)
    }

    private static func releaseElsewhere(
        _ core: UnsafeMutablePointer<LocalPoolCore>, _ state: UnsafeMutablePointer<ArenaState>
    ) {
        unsafe state.pointee.idleSinceSeconds = core.pointee.nowSeconds ?? 0
        if unsafe !core.pointee.isClosed && core.pointee.pool.putShared(state) {
            unsafe core.pointee.counters.releasesShared.add(1)
        } else {
            unsafe core.pointee.counters.releasesFreed.add(1)
            unsafe core.pointee.free(state)
        }
        if unsafe core.pointee.isClosed && core.pointee.inUse == 0 { unsafe end(core) }
    }

    // MARK: The idle list

    private mutating func popIdle() -> UnsafeMutablePointer<ArenaState>? {
        guard let state = unsafe idle else { return nil }
        unsafe idle = state.pointee.next
        unsafe state.pointee.next = nil
        unsafe idleCount -= 1
        unsafe counters.idle.set(idleCount)
        unsafe counters.idleBytes.add(-state.pointee.reservedBytes)
        return unsafe state
    }

    private mutating func pushIdle(_ state: UnsafeMutablePointer<ArenaState>) {
        unsafe state.pointee.idleSinceSeconds = nowSeconds ?? 0
        unsafe state.pointee.next = idle
        unsafe idle = state
        unsafe idleCount += 1
        unsafe counters.idle.set(idleCount)
        unsafe counters.idleBytes.add(state.pointee.reservedBytes)
    }

    // MARK: Budget

    /// Takes `byteCount` from the pool's budget; where it is used up, frees idle arenas for it first.
    static func reserve(_ core: UnsafeMutablePointer<LocalPoolCore>, _ byteCount: Int) -> Bool {
        let pool = unsafe core.pointee.pool
        if pool.reserve(byteCount) { return true }
        while let state = unsafe core.pointee.popIdle() ?? pool.takeShared() {
            unsafe core.pointee.counters.idleFreed.add(1)
            unsafe core.pointee.free(state)
            if pool.reserve(byteCount) { return true }
        }
        pool.raisePressure()
        return false
    }

    func unreserve(_ byteCount: Int) { unsafe pool.unreserve(byteCount) }

    private func free(_ state: UnsafeMutablePointer<ArenaState>) {
        unsafe pool.unreserve(state.pointee.reservedBytes)
        unsafe ArenaState.destroy(state)
    }

    // MARK: Giving memory back

    private mutating func followRecentUse() {
        let configuration = unsafe pool.configuration
        let bound = unsafe recentUse.bound(exceededByOneIn: 100)
        let target = unsafe min(bound + ArenaChunk.headBytes, configuration.retainMaximumBytes)
        unsafe retainTargetBytes = configuration.limits.chunkBytes(for: target)
        unsafe counters.retainTargetBytes.set(retainTargetBytes)
    }

    static func trim(_ core: UnsafeMutablePointer<LocalPoolCore>, nowSeconds: Int) {
        let pool = unsafe core.pointee.pool
        let isFirst = unsafe core.pointee.nowSeconds == nil
        unsafe core.pointee.fade(until: nowSeconds)
        unsafe core.pointee.followRecentUse()
        // Where another loop went without memory, nothing idle is kept.
        let pressure = pool.pressure
        let isPressed = unsafe pressure != core.pointee.seenPressure
        unsafe core.pointee.seenPressure = pressure
        let kept = isPressed ? 0 : 1
        let idleSeconds = isPressed ? 0 : pool.configuration.idleSeconds

        // Popped into a second list and back, which keeps the most recently used first.
        var staying: UnsafeMutablePointer<ArenaState>?
        var position = 0
        while let state = unsafe core.pointee.popIdle() {
            if isFirst { unsafe state.pointee.idleSinceSeconds = nowSeconds }
            if unsafe position >= kept && nowSeconds - state.pointee.idleSinceSeconds >= idleSeconds {
                unsafe core.pointee.counters.idleFreed.add(1)
                unsafe core.pointee.free(state)
            } else {
                unsafe state.pointee.next = staying
                unsafe staying = state
            }
            position += 1
        }
        while let state = unsafe staying {
            unsafe staying = state.pointee.next
            if unsafe !state.pointee.isOneChunk(ofAtMost: core.pointee.retainTargetBytes) {
                unsafe state.pointee.reset(retaining: core.pointee.retainTargetBytes)
            }
            let since = unsafe state.pointee.idleSinceSeconds
            unsafe core.pointee.pushIdle(state)
            unsafe state.pointee.idleSinceSeconds = since
        }
        pool.trim(nowSeconds: nowSeconds)
    }

    private mutating func fade(until nowSeconds: Int) {
        let interval = unsafe pool.configuration.fadeSeconds
        if unsafe self.nowSeconds == nil { unsafe lastFadeSeconds = nowSeconds }
        unsafe self.nowSeconds = nowSeconds
        // After 32 halvings nothing is left: a long silence need not be made up for.
        unsafe lastFadeSeconds = max(lastFadeSeconds, nowSeconds - 32 * interval)
        while unsafe nowSeconds - lastFadeSeconds >= interval {
            unsafe recentUse.fade()
            unsafe lastFadeSeconds += interval
        }
    }

    // MARK: The end

    /// The pool's object is gone: frees what is idle, and the core itself once nothing is on lease.
    static func close(_ core: UnsafeMutablePointer<LocalPoolCore>) {
        while let state = unsafe core.pointee.popIdle() {
            unsafe core.pointee.counters.idleFreed.add(1)
            unsafe core.pointee.free(state)
        }
        unsafe core.pointee.isClosed = true
        unsafe core.pointee.localCapacity = 0
        if unsafe core.pointee.inUse == 0 { unsafe end(core) }
    }

    private static func end(_ core: UnsafeMutablePointer<LocalPoolCore>) {
        unsafe core.pointee.pool.unregister(core)
        unsafe core.deinitialize(count: 1)
        unsafe core.deallocate()
    }
}
