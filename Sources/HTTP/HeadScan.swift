// unsafe: this file, and no other of the module, reads memory without a bounds check at each byte: eight at a time,
// once the eight were seen to be in the span.

/// Tests on eight bytes at once; each sets the high bit of the bytes it looks for.
private enum WordTest {
    static let ones: UInt64 = 0x0101_0101_0101_0101
    static let high: UInt64 = 0x8080_8080_8080_8080

    /// Bytes of `word`, none above 127, from `first` to `last`. Each byte has room for its carry.
    @inline(__always)
    static func isIn(_ word: UInt64, _ first: UInt8, _ last: UInt8) -> UInt64 {
        (word &+ ones &* UInt64(0x80 - first)) & ~(word &+ ones &* UInt64(0x7F - last))
    }

    @inline(__always)
    static func control(_ word: UInt64) -> UInt64 {
        let low = word & ~high
        return ~((low &+ ones &* 0x60) & ~(low &+ ones)) & ~word
    }

    @inline(__always)
    static func beyondWord(_ word: UInt64) -> UInt64 {
        let low = word & ~high
        let letter = isIn(low | ones &* 0x20, UInt8(ascii: "a"), UInt8(ascii: "z"))
        return ~(letter | isIn(low, UInt8(ascii: "0"), UInt8(ascii: "9")) | isIn(low, 0x2D, 0x2E)) | word
    }

    @inline(__always)
    static func targetMark(_ word: UInt64) -> UInt64 {
        let low = word & ~high
        let question = isIn(low, UInt8(ascii: "?"), UInt8(ascii: "?"))
        return ~isIn(low, 0x21, 0x7E) | question | isIn(low, UInt8(ascii: "#"), UInt8(ascii: "#")) | word
    }

    @inline(__always)
    static func lineFeed(_ word: UInt64) -> UInt64 { isIn(word & ~high, 0x0A, 0x0A) & ~word }
}

extension Span<UInt8> {
    /// The first byte from `start` on that is a control character; `count` where there is none. Finds the line's end
    /// and whatever may not stand before it in one go.
    @inline(__always)
    func firstControl(from start: Int) -> Int { first(from: start, WordTest.control) }

    /// The first byte from `start` on that is no letter, no digit, no hyphen and no dot, which is what nearly every
    /// name and host is made of; `count` where there is none.
    @inline(__always)
    func firstBeyondWord(from start: Int) -> Int { first(from: start, WordTest.beyondWord) }

    /// The first byte from `start` on that ends a target, has no place in one, or parts it: a space, anything that is
    /// not visible ASCII, `?` and `#`; `count` where there is none.
    @inline(__always)
    func firstTargetMark(from start: Int) -> Int { first(from: start, WordTest.targetMark) }

    /// The first line feed from `start` on; `count` where there is none.
    func firstLineFeed(from start: Int) -> Int { first(from: start, WordTest.lineFeed) }

    @inline(__always)
    private func first(from start: Int, _ test: (UInt64) -> UInt64) -> Int {
        precondition(start >= 0)
        var offset = start
        while count &- offset >= 8 {
            let found = test(unsafe word(at: offset)) & WordTest.high
            if found != 0 { return offset &+ found.trailingZeroBitCount >> 3 }
            offset &+= 8
        }
        guard offset < count else { return count }
        // The last bytes, with zeros behind them; what is found in the zeros is the end.
        let found = test(lastBytes(from: offset)) & WordTest.high
        return min(offset &+ found.trailingZeroBitCount >> 3, count)
    }

    /// Fewer than eight bytes, from `offset` to the end, the first in the lowest bits.
    @inline(__always)
    private func lastBytes(from offset: Int) -> UInt64 {
        if count >= 8 { return unsafe word(at: count &- 8) &>> UInt64((8 &- (count &- offset)) &* 8) }
        var bytes: UInt64 = 0
        for index in offset..<count { bytes |= UInt64(self[index]) << UInt64((index &- offset) &* 8) }
        return bytes
    }

    /// The eight bytes from `offset` on, the first in the lowest bits; all must lie in the span.
    @unsafe
    @inline(__always)
    private func word(at offset: Int) -> UInt64 {
        unsafe UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
    }
}
