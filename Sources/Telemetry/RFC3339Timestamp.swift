import Glibc

/// A point in time as RFC 3339 text in UTC with microseconds, always 27 characters: `2026-11-23T04:05:00.123456Z`.
public struct RFC3339Timestamp: Sendable, Equatable, CustomStringConvertible {
    /// Microseconds since 1970-01-01T00:00:00Z; the years 0000 to 9999 can be written.
    public let unixMicroseconds: Int64

    /// First and last moment that four digits of year can tell.
    static let earliest: Int64 = -62_167_219_200_000_000
    static let latest: Int64 = 253_402_300_799_999_999

    /// A time outside the years 0000 to 9999 becomes the nearest inside.
    public init(unixMicroseconds: Int64) {
        self.unixMicroseconds = min(max(unixMicroseconds, Self.earliest), Self.latest)
    }

    /// The system's clock.
    public static func now() -> RFC3339Timestamp {
        let time = SystemClock.now(CLOCK_REALTIME)
        return RFC3339Timestamp(unixMicroseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }

    /// The 27 characters, in ASCII. Allocates nothing.
    public var text: InlineArray<27, UInt8> {
        // From here on no number is negative: a day is taken from the seconds' floor, and the calendar counts from the
        // 1st of March of the year 0, so that a leap day is a year's last.
        let microsecondsPerDay: Int64 = 86_400_000_000
        var day = unixMicroseconds / microsecondsPerDay
        var inDay = unixMicroseconds % microsecondsPerDay
        if inDay < 0 {
            inDay += microsecondsPerDay
            day -= 1
        }
        // One cycle of 400 years more keeps January and February of the year 0 above zero.
        let daysPerCycle: Int64 = 146_097
        let days = day + 719_468 + daysPerCycle
        let dayOfCycle = days % daysPerCycle
        let yearOfCycle = (dayOfCycle - dayOfCycle / 1_460 + dayOfCycle / 36_524 - dayOfCycle / 146_096) / 365
        let dayOfYear = dayOfCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let dayOfMonth = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = yearOfCycle + days / daysPerCycle * 400 - 400 + (month <= 2 ? 1 : 0)

        var text = InlineArray<27, UInt8>(repeating: UInt8(ascii: "Z"))
        var index = 0
        func put(_ number: Int64, _ digits: Int, _ separator: UInt8) {
            var rest = number
            for place in stride(from: index + digits - 1, through: index, by: -1) {
                text[place] = UInt8(ascii: "0") + UInt8(rest % 10)
                rest /= 10
            }
            text[index + digits] = separator
            index += digits + 1
        }
        let second = inDay / 1_000_000
        put(year, 4, UInt8(ascii: "-"))
        put(month, 2, UInt8(ascii: "-"))
        put(dayOfMonth, 2, UInt8(ascii: "T"))
        put(second / 3_600, 2, UInt8(ascii: ":"))
        put(second / 60 % 60, 2, UInt8(ascii: ":"))
        put(second % 60, 2, UInt8(ascii: "."))
        put(inDay % 1_000_000, 6, UInt8(ascii: "Z"))
        return text
    }

    /// Appends the 27 characters.
    public func append(to bytes: inout [UInt8]) {
        let text = text
        for index in text.indices { bytes.append(text[index]) }
    }

    public var description: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
