/// Why an arena could not give memory.
public enum ArenaError: Error, Equatable, Sendable {
    /// The request needs more than one arena may hold (`ScopedArena.Limits.maximumBytes`): answered 413.
    case capExceeded(limitBytes: Int)
    /// All arenas together hold what the pool may reserve, or the system has no memory left: answered 503.
    case budgetExhausted
}

/// Why a pool could not lease an arena.
public enum ArenaPoolError: Error, Equatable, Sendable {
    /// All arenas together hold what the pool may reserve, or the system has no memory left: answered 503
    /// with `Retry-After`.
    case budgetExhausted
}
