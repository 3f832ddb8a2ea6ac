import Synchronization

/// Below which level lines are not written, for all loggers of the process. It may change while they work. Any thread.
public enum LogThreshold {
    private static let number = Atomic<Int>(index(.info))

    public static var level: LogLevel {
        get { LogLevel.allCases[number.load(ordering: .relaxed)] }
        set { number.store(index(newValue), ordering: .relaxed) }
    }

    /// Levels stand in their order.
    private static func index(_ level: LogLevel) -> Int { LogLevel.allCases.firstIndex(of: level) ?? 0 }
}
