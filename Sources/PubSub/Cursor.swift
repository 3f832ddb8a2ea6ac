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

    /// Appends the 23 characters.
    public func write(to output: inout OutputBuffer) {
        var text = InlineArray<23, UInt8>(repeating: 0)
        var span = text.mutableSpan
        write(over: &span, at: 0)
        output.append(contentsOf: text.span)
    }

    /// Writes the 23 characters over those at `offset`.
    public func write(over bytes: inout MutableSpan<UInt8>, at offset: Int) {
        var epoch = epoch.rawValue
        var sequence = sequence
        for index in stride(from: Self.byteCount - 1, through: Self.epochDigits, by: -1) {
            bytes[offset + index] = Self.character(sequence & 31)
            sequence >>= 5
        }
        for index in stride(from: Self.epochDigits - 1, through: 0, by: -1) {
            bytes[offset + index] = Self.character(epoch & 31)
            epoch >>= 5
        }
    }

    private static func character(_ digit: UInt64) -> UInt8 {
        let digit = UInt8(truncatingIfNeeded: digit)
        return digit < 10 ? digit &+ UInt8(ascii: "0") : digit &- 10 &+ UInt8(ascii: "a")
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
