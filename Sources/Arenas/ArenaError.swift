/// Why an arena could not give memory.
public enum ArenaError: Error, Equatable, Sendable {
    /// The request needs more than one arena may hold (`ScopedArena.Limits.maximumBytes`).
    case capExceeded(limitBytes: Int)
}
