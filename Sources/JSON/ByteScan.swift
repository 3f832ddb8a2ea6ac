/// Finding bytes in a span, eight and thirty-two at a time.
///
/// Unsafe: reads whole words without a check of each byte. Every read here stands behind a comparison with the
/// span's count in the same function, and nothing else in this module reads memory unchecked.

private let highBits: UInt64 = 0x8080_8080_8080_8080

/// Sets the high bit of each byte of a word that is looked for, and perhaps of bytes after the first such one (a
/// subtraction borrows from the next byte), never of an earlier one: the lowest bit found is always right.
private enum WordTest {
    static let ones: UInt64 = 0x0101_0101_0101_0101

    /// Bytes beyond ASCII are looked for too, so that borrowing from them does no harm.
    @inline(__always)
    static func notPlain(_ word: UInt64) -> UInt64 {
        ((word ^ ones &* 0x22) &- ones) | ((word ^ ones &* 0x5C) &- ones) | (word &- ones &* 0x20) | word
    }

    @inline(__always)
    static func toEscape(_ word: UInt64) -> UInt64 {
        (((word ^ ones &* 0x22) &- ones) | ((word ^ ones &* 0x5C) &- ones) | (word &- ones &* 0x20)) & ~word
    }

    @inline(__always)
    static func control(_ word: UInt64) -> UInt64 { (word &- ones &* 0x20) & ~word }

    @inline(__always)
    static func nonASCII(_ word: UInt64) -> UInt64 { word }
}

/// The same tests on sixteen bytes; exact, since nothing borrows across lanes.
private enum BlockTest {
    typealias Block = SIMD16<UInt8>

    @inline(__always)
    static func notPlain(_ block: Block) -> Block {
        ((block ^ Block(repeating: 0x22)) &- Block(repeating: 1))
            | ((block ^ Block(repeating: 0x5C)) &- Block(repeating: 1))
            | (block &- Block(repeating: 0x20)) | block
    }

    @inline(__always)
    static func toEscape(_ block: Block) -> Block {
        (((block ^ Block(repeating: 0x22)) &- Block(repeating: 1))
            | ((block ^ Block(repeating: 0x5C)) &- Block(repeating: 1)) | (block &- Block(repeating: 0x20))) & ~block
    }

    @inline(__always)
    static func control(_ block: Block) -> Block { (block &- Block(repeating: 0x20)) & ~block }

    @inline(__always)
    static func nonASCII(_ block: Block) -> Block { block }
}

extension Span where Element == UInt8 {
    /// The offset of the first byte from `start` on that cannot stand unescaped in a string of ASCII: a quote, a
    /// backslash, a control character, or the start of a longer UTF-8 sequence. The count where there is none.
    func endOfPlainText(from start: Int) -> Int {
        scan(from: start, WordTest.notPlain, BlockTest.notPlain)
    }

    /// The offset of the first byte from `start` on that a writer must escape: a quote, a backslash, or a control
    /// character. The count where there is none.
    @usableFromInline
    func firstToEscape(from start: Int) -> Int {
        scan(from: start, WordTest.toEscape, BlockTest.toEscape)
    }

    /// The offset of the first control character (below U+0020) from `start` on; the count where there is none.
    @usableFromInline
    func firstControlCharacter(from start: Int) -> Int {
        scan(from: start, WordTest.control, BlockTest.control)
    }

    /// The offset of the first byte from `start` on that is not ASCII; the count where there is none.
    func firstNonASCII(from start: Int) -> Int {
        scan(from: start, WordTest.nonASCII, BlockTest.nonASCII)
    }

    /// The offset of the first byte from `start` on whose high bit a test sets; the count where there is none.
    @inline(__always)
    private func scan(
        from start: Int, _ wordTest: (UInt64) -> UInt64, _ blockTest: (SIMD16<UInt8>) -> SIMD16<UInt8>
    ) -> Int {
        let count = self.count
        precondition(start >= 0)
        var offset = start
        // Most strings are short: two words before the wide loop.
        if count &- offset >= 16 {
            var found = wordTest(unsafe loadWord(at: offset)) & highBits
            if found != 0 { return offset &+ found.trailingZeroBitCount >> 3 }
            found = wordTest(unsafe loadWord(at: offset &+ 8)) & highBits
            if found != 0 { return offset &+ 8 &+ found.trailingZeroBitCount >> 3 }
            offset &+= 16
        }
        while count &- offset >= 32 {
            let low = blockTest(unsafe loadBlock(at: offset))
            let high = blockTest(unsafe loadBlock(at: offset &+ 16))
            let words = unsafe unsafeBitCast(low | high, to: SIMD2<UInt64>.self)
            if (words.x | words.y) & highBits != 0 { break }
            offset &+= 32
        }
        while count &- offset >= 8 {
            let found = wordTest(unsafe loadWord(at: offset)) & highBits
            if found != 0 { return offset &+ found.trailingZeroBitCount >> 3 }
            offset &+= 8
        }
        while offset < count {
            // The test looks at eight bytes: '@', which none looks for, stands in for the others.
            if wordTest(UInt64(unsafe self[unchecked: offset]) | 0x4040_4040_4040_4000) & highBits != 0 {
                return offset
            }
            offset &+= 1
        }
        return count
    }

    /// Up to four bytes from `offset` on, the first in the lowest bits, zeros beyond the end.
    @inline(__always)
    func loadSequence(at offset: Int) -> UInt32 {
        precondition(offset >= 0)
        if count &- offset >= 4 {
            return unsafe UInt32(
                littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt32.self))
        }
        var sequence: UInt32 = 0
        var index = count &- 1
        while index >= offset {
            sequence = sequence << 8 | UInt32(self[index])
            index &-= 1
        }
        return sequence
    }

    /// The eight bytes from `offset` on, the first in the lowest bits; all must lie in the span.
    @unsafe
    @inline(__always)
    private func loadWord(at offset: Int) -> UInt64 {
        unsafe UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
    }

    /// The sixteen bytes from `offset` on; all must lie in the span.
    @unsafe
    @inline(__always)
    private func loadBlock(at offset: Int) -> SIMD16<UInt8> {
        unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: SIMD16<UInt8>.self)
    }
}
