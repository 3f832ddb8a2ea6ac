/// SipHash-1-3: a hash under a secret key, so that strangers who choose the bytes cannot choose the bucket.
///
/// Any thread; holds no memory. The same key gives the same hash on every run and machine.
/// (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012.)
// unsafe: loads eight bytes at a time, once they were seen to be in the span.
public struct KeyedHash: Sendable {
    private let key0: UInt64
    private let key1: UInt64

    public init(key0: UInt64, key1: UInt64) {
        self.key0 = key0
        self.key1 = key1
    }

    /// A hash under a key from the system's random numbers.
    public static func random() -> KeyedHash {
        var generator = SystemRandomNumberGenerator()
        return KeyedHash(key0: generator.next(), key1: generator.next())
    }

    /// SipHash-1-3 of `bytes`.
    public func hash(_ bytes: Span<UInt8>) -> UInt64 {
        var state = SipState(key0: key0, key1: key1)
        state.absorb(all: bytes)
        return state.finish()
    }

    /// SipHash-1-3 of the sixteen bytes of two words, each with its lowest byte first.
    public func hash(_ first: UInt64, _ second: UInt64) -> UInt64 {
        var state = SipState(key0: key0, key1: key1)
        state.absorb(first)
        state.absorb(second)
        state.absorb(16 << 56)
        return state.finish()
    }

    /// 128 bits over a pair of byte strings, for keys that must never be taken for one another: two
    /// independently keyed passes. Pairs that differ only in where the first ends differ in hash.
    public func hash128(_ first: Span<UInt8>, _ second: Span<UInt8>) -> (UInt64, UInt64) {
        var low = SipState(key0: key0, key1: key1)
        // Any other key will do, as long as both halves of it change.
        var high = SipState(key0: ~key0 ^ 0x9E37_79B9_7F4A_7C15, key1: ~key1 ^ 0xC2B2_AE3D_27D4_EB4F)
        KeyedHash.absorb(first, into: &low, &high)
        KeyedHash.absorb(second, into: &low, &high)
        return (low.finish(), high.finish())
    }

    /// SipHash-1-3 of `bytes` with 128 bits of output, in one pass; no half of it is `hash`.
    public func hash128(_ bytes: Span<UInt8>) -> (UInt64, UInt64) {
        var state = SipState(key0: key0, key1: key1)
        state.beginLong()
        state.absorb(all: bytes)
        return state.finishLong()
    }

    /// The length, then the bytes, the last word filled up with zeros: no two strings read the same.
    private static func absorb(_ bytes: Span<UInt8>, into low: inout SipState, _ high: inout SipState) {
        let count = UInt64(truncatingIfNeeded: bytes.count)
        low.absorb(count)
        high.absorb(count)
        var offset = 0
        let whole = bytes.count & ~7
        while offset < whole {
            let word = bytes.littleEndianWord(at: offset)
            low.absorb(word)
            high.absorb(word)
            offset &+= 8
        }
        let tail = bytes.littleEndianTail(from: whole)
        low.absorb(tail)
        high.absorb(tail)
    }
}

private struct SipState {
    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64

    init(key0: UInt64, key1: UInt64) {
        v0 = key0 ^ 0x736f_6d65_7073_6575
        v1 = key1 ^ 0x646f_7261_6e64_6f6d
        v2 = key0 ^ 0x6c79_6765_6e65_7261
        v3 = key1 ^ 0x7465_6462_7974_6573
    }

    @inline(__always)
    mutating func absorb(_ word: UInt64) {
        v3 ^= word
        round()
        v0 ^= word
    }

    /// All of a message: its words, then what is left of it with its length.
    @inline(__always)
    mutating func absorb(all bytes: Span<UInt8>) {
        let count = bytes.count
        let whole = count & ~7
        var offset = 0
        while offset < whole {
            absorb(bytes.littleEndianWord(at: offset))
            offset &+= 8
        }
        absorb(bytes.littleEndianTail(from: whole) | UInt64(truncatingIfNeeded: count) << 56)
    }

    consuming func finish() -> UInt64 {
        v2 ^= 0xff
        round()
        round()
        round()
        return v0 ^ v1 ^ v2 ^ v3
    }

    /// For 128 bits of output; before anything is absorbed.
    mutating func beginLong() { v1 ^= 0xee }

    consuming func finishLong() -> (UInt64, UInt64) {
        v2 ^= 0xee
        round()
        round()
        round()
        let low = v0 ^ v1 ^ v2 ^ v3
        v1 ^= 0xdd
        round()
        round()
        round()
        return (low, v0 ^ v1 ^ v2 ^ v3)
    }

    @inline(__always)
    private mutating func round() {
        v0 &+= v1
        v1 = v1 << 13 | v1 >> 51
        v1 ^= v0
        v0 = v0 << 32 | v0 >> 32
        v2 &+= v3
        v3 = v3 << 16 | v3 >> 48
        v3 ^= v2
        v0 &+= v3
        v3 = v3 << 21 | v3 >> 43
        v3 ^= v0
        v2 &+= v1
        v1 = v1 << 17 | v1 >> 47
        v1 ^= v2
        v2 = v2 << 32 | v2 >> 32
    }
}

extension Span<UInt8> {
    /// Eight bytes from `offset` on, which must all be there.
    fileprivate func littleEndianWord(at offset: Int) -> UInt64 {
        UInt64(littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    /// The last, fewer than eight, bytes from `offset` on.
    fileprivate func littleEndianTail(from offset: Int) -> UInt64 {
        if count >= 8 {
            // The last eight bytes without those before `offset`; all of them are where none are left.
            return offset == count ? 0 : littleEndianWord(at: count &- 8) >> UInt64((8 &- (count &- offset)) &* 8)
        }
        var word: UInt64 = 0
        var shift: UInt64 = 0
        for index in offset..<count {
            word |= UInt64(self[index]) << shift
            shift &+= 8
        }
        return word
    }
}
