/// How long to wait before the next of several tries: twice as long each time, up to a bound, with a part left to chance so
/// that many clients of a server that comes back do not come back at once.
public struct Backoff: Sendable {
    public static let firstMilliseconds = 100
    public static let longestMilliseconds = 5000

    private var tries = 0

    public init() {}

    /// - Parameter chance: 0 to 1.
    /// - Returns: how long to wait now, in milliseconds: half of it is sure.
    public mutating func next(chance: Double = .random(in: 0...1)) -> Int {
        let whole = min(Self.firstMilliseconds << min(tries, 10), Self.longestMilliseconds)
        tries += 1
        return whole / 2 + Int(Double(whole / 2) * chance)
    }

    /// A try was successful.
    public mutating func reset() { tries = 0 }
}
