import Arenas

extension JSONReader {
    /// Reads a string and returns its text, decoded and checked to be UTF-8. It may hold U+0000.
    ///
    /// Text without escapes is a slice of the document; other text stands in `arena`.
    @_lifetime(self: copy self)
    @_lifetime(copy self, borrow arena)
    public mutating func readString(in arena: borrowing ScopedArena) throws(JSONError) -> Span<UInt8> {
        guard try peek() == .string else { throw .expected(.string, at: position) }
        let start = position &+ 1
        let string = try bytes.scanString(from: start)
        position = string.end &+ 1
        let text = bytes.extracting(start..<string.end)
        guard string.hasEscapes else { return text }
        return try bytes.decodeString(start..<string.end, in: arena)
    }

    /// Reads a number written as an integer: `10`, not `1e1` or `10.0`. On error the reader stands before it.
    @_lifetime(self: copy self)
    public mutating func readInteger() throws(JSONError) -> Int64 {
        guard try peek() == .number else { throw .expected(.integer, at: position) }
        let start = position
        let end = try bytes.scanNumber(from: start)
        guard try bytes.scanInteger(from: start) == end else { throw .expected(.integer, at: start) }
        let isNegative = bytes[start] == UInt8(ascii: "-")
        // Built below zero, where the range is one wider.
        var value: Int64 = 0
        for offset in (isNegative ? start &+ 1 : start)..<end {
            let digit = Int64(bytes[offset] &- UInt8(ascii: "0"))
            let shifted = value.multipliedReportingOverflow(by: 10)
            let added = shifted.partialValue.subtractingReportingOverflow(digit)
            guard !shifted.overflow, !added.overflow else { throw .expected(.integerOf64Bits, at: start) }
            value = added.partialValue
        }
        guard isNegative || value != .min else { throw .expected(.integerOf64Bits, at: start) }
        position = end
        return isNegative ? value : -value
    }

    /// Reads `true` or `false`.
    @_lifetime(self: copy self)
    public mutating func readBool() throws(JSONError) -> Bool {
        switch try peek() {
        case .true:
            position = try bytes.scanLiteral(.true, from: position)
            return true
        case .false:
            position = try bytes.scanLiteral(.false, from: position)
            return false
        default:
            throw .expected(.bool, at: position)
        }
    }

    /// Reads `null`.
    @_lifetime(self: copy self)
    public mutating func readNull() throws(JSONError) {
        guard try peek() == .null else { throw .expected(.null, at: position) }
        position = try bytes.scanLiteral(.null, from: position)
    }
}

/// The four bytes behind the first of `true`, `false` and `null`, the earliest in the lowest bits.
enum Literal: UInt32 {
    case `true` = 0x00_65_75_72
    case `false` = 0x65_73_6C_61
    case null = 0x00_6C_6C_75

    var restCount: Int { self == .false ? 4 : 3 }
}

extension Span where Element == UInt8 {
    /// Checks the literal whose first letter is at `start` and returns the offset behind it.
    func scanLiteral(_ literal: Literal, from start: Int) throws(JSONError) -> Int {
        let mask: UInt32 = literal == .false ? 0xFFFF_FFFF : 0x00FF_FFFF
        let wrong = (loadSequence(at: start &+ 1) ^ literal.rawValue) & mask
        guard wrong == 0 else {
            throw .expected(.restOfLiteral, at: start &+ 1 &+ wrong.trailingZeroBitCount >> 3)
        }
        return start &+ 1 &+ literal.restCount
    }
}
