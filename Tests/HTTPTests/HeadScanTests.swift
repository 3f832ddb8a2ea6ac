import Testing

@testable import HTTP

/// Eight bytes at a time find what one at a time would.
@Suite struct HeadScanTests {
    private static func isWord(_ byte: UInt8) -> Bool {
        Character(UnicodeScalar(byte)).isASCII && "-.0123456789".utf8.contains(byte)
            || (65...90).contains(byte) || (97...122).contains(byte)
    }

    /// Each byte value at each place of spans around one word and two, between bytes that are not looked for.
    private func expectFirst(
        filler: UInt8, _ isSought: (UInt8) -> Bool, _ scan: (Span<UInt8>, Int) -> Int,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        var wrong: [String] = []
        for byte in UInt8.min...UInt8.max {
            for count in [0, 1, 6, 7, 8, 9, 15, 17] {
                for place in 0..<max(count, 1) {
                    var bytes = [UInt8](repeating: filler, count: count)
                    if place < count { bytes[place] = byte }
                    for start in [0, place, min(place + 1, count)] {
                        let expected = (start..<count).first { isSought(bytes[$0]) } ?? count
                        if scan(bytes.span, start) != expected { wrong.append("\(byte) at \(place) of \(count)") }
                    }
                }
            }
        }
        #expect(wrong.isEmpty, sourceLocation: sourceLocation)
    }

    @Test func controls() {
        for filler in [UInt8(ascii: " "), 0x7E, 0xFF] {
            expectFirst(filler: filler, { $0 < 0x20 || $0 == 0x7F }) { $0.firstControl(from: $1) }
        }
    }

    @Test func whatIsBeyondWords() {
        for filler in "-.09AZaz".utf8 {
            expectFirst(filler: filler, { !Self.isWord($0) }) { $0.firstBeyondWord(from: $1) }
        }
    }

    @Test func marksInTargets() {
        for filler in "!~@>".utf8 {
            expectFirst(filler: filler, { $0 <= 0x20 || $0 >= 0x7F || $0 == 0x3F || $0 == 0x23 }) {
                $0.firstTargetMark(from: $1)
            }
        }
    }

    @Test func lineFeeds() {
        for filler: UInt8 in [0, 0x09, 0x0B, 0x8A, 0xFF] {
            expectFirst(filler: filler, { $0 == 0x0A }) { $0.firstLineFeed(from: $1) }
        }
    }

    @Test func theFirstOfSeveralIsFound() {
        let bytes = Array("abcdefgh\nij\r\n\0klmnopqrstuv\n".utf8)
        #expect(bytes.span.firstControl(from: 0) == 8 && bytes.span.firstControl(from: 9) == 11)
        #expect(bytes.span.firstLineFeed(from: 9) == 12 && bytes.span.firstLineFeed(from: 13) == 26)
    }

    @Test func tokensAndHosts() {
        let alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
        let token = Set((alphabet + "!#$%&'*+-.^_`|~").utf8)
        let host = Set((alphabet + "-._~%!$&'()*+,;=").utf8)
        for byte in UInt8.min...UInt8.max {
            #expect(Characters.isToken(byte) == token.contains(byte), "\(byte)")
            #expect(Characters.isHost(byte) == host.contains(byte), "\(byte)")
        }
        #expect(Array("a_b:c".utf8).span.endOfToken(from: 0) == 3)
        #expect(Array("a_b".utf8).span.endOfToken(from: 1) == 3)
        #expect(Array("a,b:1".utf8).span.endOfHost(from: 0) == 3)
    }
}
