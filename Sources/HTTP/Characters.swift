import Arenas

/// Which bytes may stand where.
enum Characters {
    /// RFC 9110, section 5.6.2: what names and methods are made of, as a set of the first 128 bytes.
    @inline(__always)
    static func isToken(_ byte: UInt8) -> Bool {
        // ! # $ % & ' * + - . 0-9 | A-Z ^ _ ` a-z | ~
        let low: UInt64 = 0x03FF_6CFA_0000_0000
        let high: UInt64 = 0x57FF_FFFF_C7FF_FFFE
        let word = byte < 64 ? low : high
        return byte < 128 && word >> UInt64(byte & 63) & 1 == 1
    }

    @inline(__always)
    static func lowercase(_ byte: UInt8) -> UInt8 { byte &- 65 < 26 ? byte | 0x20 : byte }

    @inline(__always)
    static func isDigit(_ byte: UInt8) -> Bool { byte &- 48 < 10 }

    @inline(__always)
    static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    /// A hexadecimal digit's value; nil for any other byte.
    @inline(__always)
    static func hexValue(_ byte: UInt8) -> UInt8? {
        if byte &- 48 < 10 { return byte &- 48 }
        let letter = byte | 0x20
        return letter &- 97 < 6 ? letter &- 87 : nil
    }

    /// What a registered name may be made of (RFC 3986, section 3.2.2), as a set of the first 128 bytes.
    @inline(__always)
    static func isHost(_ byte: UInt8) -> Bool {
        // ! $ % & ' ( ) * + , - . 0-9 ; = A-Z _ a-z ~
        let low: UInt64 = 0x2BFF_7FF2_0000_0000
        let high: UInt64 = 0x47FF_FFFE_87FF_FFFE
        let word = byte < 64 ? low : high
        return byte < 128 && word >> UInt64(byte & 63) & 1 == 1
    }
}

extension Span<UInt8> {
    /// Whether the literal's bytes stand at `offset`, upper and lower case apart.
    @inline(__always)
    func holds(_ literal: StaticString, at offset: Int) -> Bool {
        let length = literal.utf8CodeUnitCount
        guard offset + length <= count else { return false }
        for index in 0..<length where literal[index] != self[offset + index] { return false }
        return true
    }

    /// Whether `range` is the literal, which is in lower case, in upper or lower case.
    @inline(__always)
    func matches(_ literal: StaticString, in range: Range<Int>) -> Bool {
        guard range.count == literal.utf8CodeUnitCount else { return false }
        for index in 0..<range.count
        where literal[index] != Characters.lowercase(self[range.lowerBound + index]) { return false }
        return true
    }

    /// `range` without blanks at its ends.
    @inline(__always)
    func trimmed(_ range: Range<Int>) -> Range<Int> {
        var low = range.lowerBound
        var high = range.upperBound
        while low < high, Characters.isBlank(self[low]) { low += 1 }
        while high > low, Characters.isBlank(self[high - 1]) { high -= 1 }
        return low..<high
    }

    /// Where the token that begins at `start` ends.
    @inline(__always)
    func endOfToken(from start: Int) -> Int {
        var offset = firstBeyondWord(from: start)
        while offset < count, Characters.isToken(self[offset]) { offset = firstBeyondWord(from: offset + 1) }
        return offset
    }

    /// Where the registered name that begins at `start` ends.
    @inline(__always)
    func endOfHost(from start: Int) -> Int {
        var offset = firstBeyondWord(from: start)
        while offset < count, Characters.isHost(self[offset]) { offset = firstBeyondWord(from: offset + 1) }
        return offset
    }
}
