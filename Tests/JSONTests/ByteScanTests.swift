import Testing

@testable import JSON

/// The wide searches against a look at each byte.
struct ByteScanTests {
    private func expectSame(
        _ bytes: [UInt8], _ found: (Int) -> Int, _ isLookedFor: (UInt8) -> Bool, _ name: String
    ) {
        for start in 0...bytes.count {
            let expected = (start..<bytes.count).first { isLookedFor(bytes[$0]) } ?? bytes.count
            if found(start) != expected { Issue.record("\(name) from \(start): \(bytes)") }
        }
    }

    private func expectAllSame(_ bytes: [UInt8]) {
        expectSame(
            bytes, { bytes.span.endOfPlainText(from: $0) }, { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C || $0 >= 0x80 },
            "endOfPlainText")
        expectSame(
            bytes, { bytes.span.firstToEscape(from: $0) }, { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C }, "firstToEscape")
        expectSame(bytes, { bytes.span.firstControlCharacter(from: $0) }, { $0 < 0x20 }, "firstControlCharacter")
        expectSame(bytes, { bytes.span.firstNonASCII(from: $0) }, { $0 >= 0x80 }, "firstNonASCII")
    }

    @Test func findsEveryByteValue() {
        for value in UInt8.min...UInt8.max {
            var bytes = Array(repeating: UInt8(ascii: "x"), count: 11)
            bytes[9] = value
            expectAllSame(bytes)
            // Where a word's subtraction borrows into the next byte.
            bytes[1] = value
            bytes[2] = value &+ 1
            expectAllSame(bytes)
        }
    }

    @Test func findsAtEveryDistance() {
        for count in [0, 1, 7, 8, 9, 39, 40, 41, 73] {
            for position in 0..<count {
                for value: UInt8 in [0x1F, 0x22, 0x5C, 0x80] {
                    var bytes = Array(repeating: UInt8(ascii: " "), count: count)
                    bytes[position] = value
                    for start in [0, position] {
                        let rest = Array(bytes[start...])
                        #expect(rest.span.endOfPlainText(from: 0) == position - start)
                    }
                }
            }
            let clean = Array(repeating: UInt8(ascii: "~"), count: count)
            #expect(clean.span.endOfPlainText(from: 0) == count)
        }
    }
}
