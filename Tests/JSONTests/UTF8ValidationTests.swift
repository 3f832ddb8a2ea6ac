import JSON
import Testing

/// Well-formed UTF-8 as the standard library decodes it, and where it first breaks.
struct UTF8ValidationTests {
    /// Where the standard library's decoder first meets an error.
    private func reference(_ bytes: [UInt8]) -> Int? {
        var decoder = UTF8()
        var input = bytes.makeIterator()
        var offset = 0
        while true {
            switch decoder.decode(&input) {
            case .scalarValue(let scalar): offset += UTF8.width(scalar)
            case .emptyInput: return nil
            case .error: return offset
            }
        }
    }

    private func firstInvalidOffset(_ bytes: [UInt8]) -> Int? { UTF8Validation.firstInvalidOffset(bytes.span) }

    @Test func acceptsEveryCodePoint() {
        // All of the first two planes' edges, and every 17th point between them.
        for value in stride(from: UInt32(0), through: 0x10_FFFF, by: 17) {
            for point in [value, value & ~0x3F, value | 0x3F, value | 0xFFFF] {
                guard let scalar = Unicode.Scalar(point) else { continue }
                let bytes = Array(String(Character(scalar)).utf8)
                if !UTF8Validation.isValid(bytes.span) { Issue.record("U+\(String(point, radix: 16)) is refused") }
            }
        }
    }

    /// Every first and second byte, followed by bytes that are continuations, or not.
    @Test func agreesWithTheStandardLibraryOnEverySequence() {
        let rests: [[UInt8]] = [[], [0x80], [0x80, 0xBF], [0x41, 0x80], [0xBF, 0x7F], [0xC0, 0x80]]
        for first in UInt8(0x70)...0xFF {
            for second in UInt8.min...UInt8.max where second & 0x0F == 0 || second & 0x0F == 0x0F {
                for rest in rests {
                    let bytes = [first, second] + rest
                    let found = UTF8Validation.firstInvalidOffset(bytes.span)
                    if found != reference(bytes) { Issue.record("\(bytes): \(found as Any)") }
                }
            }
        }
    }

    @Test func findsTheOffsetBehindTextOfAnyLength() {
        for length in 0..<100 {
            let plain = Array(repeating: UInt8(ascii: "x"), count: length)
            #expect(firstInvalidOffset(plain) == nil)
            #expect(firstInvalidOffset(plain + [0xFF]) == length)
            let mixed = plain + Array("\u{E9}\u{20AC}\u{1F600}".utf8)
            #expect(firstInvalidOffset(mixed + plain) == nil)
            #expect(firstInvalidOffset(mixed + plain + [0xE2, 0x82]) == mixed.count + length)
        }
    }
}
