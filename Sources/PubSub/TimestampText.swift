import Arenas

/// A timestamp's text, kept from one to the next: within a second only the fraction is written anew.
public struct TimestampText: Sendable {
    private var text = InlineArray<27, UInt8>(repeating: 0)
    private var second = Int64.min

    public init() {}

    /// The 27 bytes for `timestamp`, until the next call.
    public mutating func update(_ timestamp: Timestamp) -> InlineArray<27, UInt8> {
        let (second, fraction) = Timestamp.floorDivide(timestamp.microseconds, by: 1_000_000)
        if second != self.second {
            self.second = second
            writeSecond(second)
        }
        put(fraction, 6, at: 20)
        return text
    }

    private mutating func writeSecond(_ second: Int64) {
        let (days, inDay) = Timestamp.floorDivide(second, by: 86_400)
        let (year, month, day) = Timestamp.civil(fromDays: days)
        put(year, 4, at: 0)
        put(month, 2, at: 5)
        put(day, 2, at: 8)
        put(inDay / 3600, 2, at: 11)
        put(inDay / 60 % 60, 2, at: 14)
        put(inDay % 60, 2, at: 17)
        text[4] = UInt8(ascii: "-")
        text[7] = UInt8(ascii: "-")
        text[10] = UInt8(ascii: "T")
        text[13] = UInt8(ascii: ":")
        text[16] = UInt8(ascii: ":")
        text[19] = UInt8(ascii: ".")
        text[26] = UInt8(ascii: "Z")
    }

    private mutating func put(_ number: Int64, _ digits: Int, at offset: Int) {
        var rest = number
        for index in stride(from: digits - 1, through: 0, by: -1) {
            text[offset + index] = UInt8(truncatingIfNeeded: rest % 10) &+ UInt8(ascii: "0")
            rest /= 10
        }
    }
}
