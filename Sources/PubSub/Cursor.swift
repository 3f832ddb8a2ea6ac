import Arenas

/// A position in one log: the log's epoch and the sequence number it stands behind.
///
/// As text it is 23 characters of `0-9 a-v`: ten for the epoch, thirteen for the sequence, most significant
/// first, so that cursors of one log sort as their messages do. Clients treat it as opaque.
public struct Cursor: Equatable, Sendable {
    /// Length of the text, in bytes.
    public static let byteCount = 23
    static let epochDigits = 10

    public var epoch: Epoch
    /// Reads go on behind this sequence number; 0 stands before the first message.
    public var sequence: UInt64

    public init(epoch: Epoch, sequence: UInt64) {
        self.epoch = epoch
        self.sequence = sequence
    }

    /// Reads a cursor's text; nil where it is not one.
    public init?(parsing text: Span<UInt8>) {
        guard text.count == Self.byteCount else { return nil }
        var epoch: UInt64 = 0
        var sequence: UInt64 = 0
        for index in 0..<Self.byteCount {
            guard let digit = Self.value(of: text[index]) else { return nil }
            if index < Self.epochDigits {
                epoch = epoch << 5 | digit
            } else {
                guard sequence >> 59 == 0 else { return nil }
                sequence = sequence << 5 | digit
            }
        }
        self.epoch = Epoch(rawValue: epoch)
        self.sequence = sequence
    }

    /// The 23 characters.
    public var text: InlineArray<23, UInt8> {
        var text = InlineArray<23, UInt8>(repeating: 0)
        Self.put(Self.digits(epoch.rawValue >> 40), last: 2, into: &text, at: 0)
        Self.put(Self.digits(epoch.rawValue), last: 8, into: &text, at: 2)
        Self.put(Self.digits(sequence >> 40), last: 5, into: &text, at: 10)
        Self.put(Self.digits(sequence), last: 8, into: &text, at: 15)
        return text
    }

    /// Appends the 23 characters.
    public func write(to output: inout OutputBuffer) { output.append(contentsOf: text.span) }

    /// Writes the 23 characters over those at `offset`.
    public func write(over bytes: inout MutableSpan<UInt8>, at offset: Int) {
        let text = text
        for index in 0..<Self.byteCount { bytes[offset + index] = text[index] }
    }

    @inline(__always)
    private static func put(_ digits: UInt64, last count: Int, into text: inout InlineArray<23, UInt8>, at offset: Int)
    {
        for index in 0..<count {
            text[offset + index] = UInt8(truncatingIfNeeded: digits >> UInt64(8 * (8 - count + index)))
        }
    }

    /// The eight characters of the low forty bits, the most significant in the lowest byte. All eight at once: each step
    /// parts every field in two and swaps the halves.
    @inline(__always)
    private static func digits(_ value: UInt64) -> UInt64 {
        let fours = (value & 0xFFFFF) << 32 | (value >> 20 & 0xFFFFF)
        let twos = (fours & 0x3FF_0000_03FF) << 16 | (fours >> 10 & 0x3FF_0000_03FF)
        let ones = (twos & 0x001F_001F_001F_001F) << 8 | (twos >> 5 & 0x001F_001F_001F_001F)
        // The high bit of each byte that is ten or more: from there on come letters.
        let letters = (ones &+ 0x7676_7676_7676_7676) >> 7 & 0x0101_0101_0101_0101
        return ones &+ 0x3030_3030_3030_3030 &+ letters &* UInt64(UInt8(ascii: "a") - UInt8(ascii: "0") - 10)
    }

    private static func value(of character: UInt8) -> UInt64? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(character - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "v"): UInt64(character - UInt8(ascii: "a")) + 10
        default: nil
        }
    }
}

/// Tells one log from every other, so that a cursor from elsewhere is refused rather than misread. 50 random bits.
public struct Epoch: Equatable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) { self.rawValue = rawValue & (1 << 50 - 1) }

    /// A new log's epoch.
    public static func random() -> Epoch { Epoch(rawValue: .random(in: .min ... .max)) }
}
