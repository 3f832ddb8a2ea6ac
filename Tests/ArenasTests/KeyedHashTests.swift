import Arenas
import Testing

@Suite struct KeyedHashTests {
    private let keyed = KeyedHash(key0: 0x0706_0504_0302_0100, key1: 0x0f0e_0d0c_0b0a_0908)

    @Test(
        "it is SipHash-1-3: CPython's hash of bytes, under its key of zeros, agrees",
        arguments: [
            (Array("a".utf8), 0x4074_48d2_b89b_1813),
            (Array("greetings".utf8), 0x9781_8a4e_89f2_4fb7),
            (Array("orders.eu.created".utf8), 0x098d_7705_afe0_6c21),
            (Array(0..<7), 0x2f09_8ab0_c751_325a),
            (Array(0..<8), 0xead4_11e6_7ebe_2eea),
            (Array(0..<63), 0x385d_3e39_e5f3_7359),
        ] as [([UInt8], UInt64)])
    func agreesWithCPython(bytes: [UInt8], expected: UInt64) {
        #expect(KeyedHash(key0: 0, key1: 0).hash(bytes.span) == expected)
    }

    @Test("the key is part of it: the reference vector for the empty string")
    func agreesWithTheReferenceVector() {
        #expect(keyed.hash([UInt8]().span) == 0xabac_0158_050f_c4dc)
        #expect(KeyedHash.random().hash([1].span) != KeyedHash.random().hash([1].span))
    }

    @Test("two words are hashed as their sixteen bytes")
    func hashesWords() {
        #expect(keyed.hash(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908) == keyed.hash(Array<UInt8>(0..<16).span))
    }

    private func hash128(_ first: String, _ second: String) -> [UInt64] {
        let (low, high) = keyed.hash128(Array(first.utf8).span, Array(second.utf8).span)
        return [low, high]
    }

    @Test("a pair's hash depends on both, on their order, and on where the first ends")
    func framesPairs() {
        let pairs = [
            ("ab", "c"), ("a", "bc"), ("", "abc"), ("abc", ""), ("c", "ab"), ("ab", "c\0"), ("ab\0", "c"),
            ("12345678", "9"), ("1234567", "89"), ("123456789", ""),
        ]
        #expect(Set(pairs.map { hash128($0.0, $0.1) }).count == pairs.count)
        #expect(hash128("ab", "c") == hash128("ab", "c"))
    }

    @Test(
        "128 bits of one string are SipHash-1-3-128: another implementation agrees, whose 2-4-128 has the known vectors",
        arguments: [
            ([], 0xbea5_8827_b2bc_7ee7, 0x0130_30dd_6adb_62fd),
            (Array("greetings".utf8), 0xa99b_b508_c7a5_740e, 0x39e5_0e87_ed6a_be02),
            (Array(0..<8), 0xb4da_e3d5_e1fe_12aa, 0x99c7_f935_ab16_4f72),
            (Array(0..<63), 0x6f42_fe4e_e300_584c, 0xad60_52a7_0a6b_9f07),
        ] as [([UInt8], UInt64, UInt64)])
    func agreesWithTheReference(bytes: [UInt8], low: UInt64, high: UInt64) {
        #expect(keyed.hash128(bytes.span) == (low, high))
    }

    @Test("that of one string depends on all of it and on its length")
    func hashesOneString() {
        let bytes = [UInt8](repeating: 0, count: 20)
        var seen: Set<[UInt64]> = []
        for count in 0...20 {
            let (low, high) = keyed.hash128(bytes.span.extracting(0..<count))
            seen.insert([low, high])
            for position in 0..<count {
                var changed = bytes
                changed[position] = 1
                let (low, high) = keyed.hash128(changed.span.extracting(0..<count))
                seen.insert([low, high])
            }
        }
        #expect(seen.count == 21 + 20 * 21 / 2)
    }

    @Test("its two halves differ, and depend on the key")
    func halvesAreIndependent() {
        let hash = hash128("topic", "key")
        #expect(hash[0] != hash[1])
        let (low, high) = KeyedHash(key0: 1, key1: 2).hash128(Array("topic".utf8).span, Array("key".utf8).span)
        #expect(low != hash[0])
        #expect(high != hash[1])
    }
}
