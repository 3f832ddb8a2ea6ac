import ArgumentParser
import Configuration
import PubSub

/// When a new token ends: a while from now, or at a time.
enum TokenExpiry: Equatable, Sendable {
    case after(seconds: Int64)
    /// Seconds since 1970-01-01T00:00:00Z.
    case at(seconds: Int64)

    /// Longest life that may be asked for by its length: ten years. A time may lie further off.
    private static let longestMilliseconds = 3650 * 86_400_000

    @Sendable init(_ text: String) throws {
        if let time = Timestamp(parsing: Array(text.utf8).span) {
            self = .at(seconds: time.microseconds / 1_000_000)
            return
        }
        do {
            let milliseconds = try SettingForm<Int>.time(1000...Self.longestMilliseconds).read(text)
            self = .after(seconds: Int64(milliseconds / 1000))
        } catch {
            throw ValidationError("a time from 1s to 3650d, or one such as 2027-01-31T00:00:00Z, is wanted")
        }
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    func seconds(now: Int64) -> Int64 {
        switch self {
        case .after(let seconds): now + seconds
        case .at(let seconds): seconds
        }
    }
}
