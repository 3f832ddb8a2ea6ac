import Arenas

/// The `Date` field's value (RFC 9110, section 5.6.7), made once a second: `Mon, 23 Nov 2026 04:05:00 GMT`.
public struct HTTPDate: Sendable {
    private var text = InlineArray<29, UInt8>(repeating: 0)
    /// The second it stands for, since 1970.
    public private(set) var unixSeconds: Int64

    public init(unixSeconds: Int64) {
        self.unixSeconds = unixSeconds
        let days = unixSeconds >= 0 ? unixSeconds / 86_400 : (unixSeconds - 86_399) / 86_400
        let inDay = unixSeconds - days * 86_400
        let (year, month, day) = Self.civil(days)
        put("SunMonTueWedThuFriSat", Int((days % 7 + 11) % 7) * 3, 3, at: 0)
        put(", ", 0, 2, at: 3)
        put(number: day, 2, at: 5)
        put(" ", 0, 1, at: 7)
        put("JanFebMarAprMayJunJulAugSepOctNovDec", Int(month - 1) * 3, 3, at: 8)
        put(" ", 0, 1, at: 11)
        put(number: year, 4, at: 12)
        put(" ", 0, 1, at: 16)
        put(number: inDay / 3600, 2, at: 17)
        put(":", 0, 1, at: 19)
        put(number: inDay / 60 % 60, 2, at: 20)
        put(":", 0, 1, at: 22)
        put(number: inDay % 60, 2, at: 23)
        put(" GMT", 0, 4, at: 25)
    }

    /// Appends the 29 bytes.
    public func write(to output: inout OutputBuffer) { output.append(contentsOf: text.span) }

    private mutating func put(_ literal: StaticString, _ from: Int, _ count: Int, at offset: Int) {
        for index in 0..<count { text[offset + index] = literal[from + index] }
    }

    private mutating func put(number: Int64, _ digits: Int, at offset: Int) {
        var rest = number
        for index in stride(from: digits - 1, through: 0, by: -1) {
            text[offset + index] = UInt8(truncatingIfNeeded: rest % 10) &+ 48
            rest /= 10
        }
    }

    /// Howard Hinnant's `civil_from_days`.
    private static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }
}
