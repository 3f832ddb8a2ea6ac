import Arenas
import JSON
import Testing

/// Strings and their escapes. (RFC 8259, sections 7 and 8)
struct StringTests {
    @Test(arguments: [
        (#""""#, ""), (#""plain""#, "plain"), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"),
        (#""\u0041\u00e9\u20AC""#, "A\u{E9}\u{20AC}"), (#""\u0000""#, "\0"), (#""a\u0000b""#, "a\0b"),
        (#""\uD83D\uDE00""#, "\u{1F600}"), (#""\ud800\udc00\uDBFF\uDFFF""#, "\u{10000}\u{10FFFF}"),
        (#""\uFFFF\uFFFE\uD7FF\uE000""#, "\u{FFFF}\u{FFFE}\u{D7FF}\u{E000}"),
        (#""\u007F\u0080\u07FF\u0800""#, "\u{7F}\u{80}\u{7FF}\u{800}"),
        ("\"\u{E9}\u{20AC}\u{1F600}\u{7F}\"", "\u{E9}\u{20AC}\u{1F600}\u{7F}"), (#""\\u0041""#, "\\u0041"),
        (#""'/""#, "'/"),
        ("\"\u{E9}\\n\u{E9}\"", "\u{E9}\n\u{E9}"),
        (#""eight bytes and more, then \t and again \t""#, "eight bytes and more, then \t and again \t"),
    ])
    func decodes(document: String, text: String) throws { #expect(try decoded(document) == text) }

    @Test(
        arguments: [
            (#"""#, 1, .closingQuote), (#""abc"#, 4, .closingQuote), (#""\"#, 2, .escapeCharacter),
            (#""a\"#, 3, .escapeCharacter), (#""\x41""#, 2, .escapeCharacter), (#""\'""#, 2, .escapeCharacter),
            (#""\U0041""#, 2, .escapeCharacter), (#""\0""#, 2, .escapeCharacter), (#""\a""#, 2, .escapeCharacter),
            (#""\""#, 3, .closingQuote), (#""\u""#, 3, .fourHexDigits), (#""\u004""#, 6, .fourHexDigits),
            (#""\u004g""#, 6, .fourHexDigits), (#""\u+041""#, 3, .fourHexDigits), (#""\u004"#, 6, .fourHexDigits),
            (#""\u{41}""#, 3, .fourHexDigits), (#""\uDC00""#, 1, .highSurrogateFirst),
            (#""ab\uDFFF\uD800""#, 3, .highSurrogateFirst),
            (#""\uD800""#, 7, .lowSurrogateEscape), (#""\uD800x""#, 7, .lowSurrogateEscape),
            (#""\uDBFF"#, 7, .lowSurrogateEscape),
            (#""\uD800\n""#, 8, .lowSurrogateEscape), (#""\uD800\"#, 8, .lowSurrogateEscape),
            (#""\uD800\u0041""#, 7, .lowSurrogateEscape),
            (#""\uD800\uD800\uDC00""#, 7, .lowSurrogateEscape), (#""\uD800\uDC0""#, 12, .fourHexDigits),
            (#""\uD800\uE000""#, 7, .lowSurrogateEscape), ("\"a\nb\"", 2, .escapedControlCharacter),
            ("\"\t\"", 1, .escapedControlCharacter), ("\"\0\"", 1, .escapedControlCharacter),
            ("\"0123456789\u{1F}\"", 11, .escapedControlCharacter), ("\"\\n\u{1}\"", 3, .escapedControlCharacter),
        ] as [(String, Int, JSONExpectation)])
    func refusesAtItsOffset(document: String, offset: Int, expected: JSONExpectation) {
        #expect(verdict(document) == .at(offset, expected))
        #expect(throws: JSONError.at(offset, expected)) { try decoded(document) }
        // The same in a key, one byte further on.
        #expect(verdict("{" + document) == .at(offset + 1, expected))
    }

    @Test(
        arguments: [
            [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF],
            [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xE2, 0x82], [0xE2, 0x82, 0x41], [0xF0, 0x80, 0x80, 0x80],
            [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xF0, 0x9F, 0x98], [0xFE],
            [0xFF],
        ] as [[UInt8]])
    func refusesIllFormedUTF8AtItsFirstByte(sequence: [UInt8]) {
        for prefix in ["\"", "\"ab\u{E9}", "\"0123456789 0123456789 0123456789 0123456789 ", "\"\\n"] {
            let offset = prefix.utf8.count
            #expect(verdict(Array(prefix.utf8) + sequence + Array("\"".utf8)) == .at(offset, .validUTF8))
            #expect(verdict(Array(prefix.utf8) + sequence) == .at(offset, .validUTF8))
        }
    }

    /// Quotes, escapes, control characters and longer sequences at every distance from the words and blocks in which
    /// text is searched.
    @Test func findsTheEndOfTextOfAnyLength() throws {
        for length in 0..<150 {
            let plain = Array(repeating: UInt8(ascii: "x"), count: length)
            let quote = [UInt8(ascii: "\"")]
            #expect(try decoded(quote + plain + quote) == plain)
            #expect(verdict(quote + plain) == .at(length + 1, .closingQuote))
            #expect(verdict(quote + plain + [0x1F] + plain + quote) == .at(length + 1, .escapedControlCharacter))
            #expect(verdict(quote + plain + [0xFF] + plain + quote) == .at(length + 1, .validUTF8))
            #expect(try decoded(quote + plain + Array(#"\n"#.utf8) + plain + quote) == plain + [0x0A] + plain)
            let accented = plain + Array("\u{E9}".utf8) + plain
            #expect(try decoded(quote + accented + quote) == accented)
        }
    }

    @Test func slicesTheDocumentWhereNothingIsDecoded() throws {
        let arena = ScopedArena()
        let document = Array("[\"no escapes, \u{E9}\",\"an \\n escape\"]".utf8)
        var reader = JSONReader(document.span)
        try reader.beginArray()
        #expect(try reader.nextElement())
        _ = try reader.readString(in: arena)
        #expect(arena.usedBytes == 0)
        #expect(try reader.nextElement())
        #expect(try reader.readString(in: arena).array == Array("an \n escape".utf8))
        #expect(arena.usedBytes > 0)
    }

    @Test func saysWhereTheArenaIsTooSmall() throws {
        let document = Array(("\"\\n" + String(repeating: "x", count: 4000) + "\"").utf8)
        let arena = ScopedArena(limits: .init(initialBytes: 256, maximumBytes: 1024))
        var reader = JSONReader(document.span)
        let error = errorOf { () throws(JSONError) in _ = try reader.readString(in: arena) }
        #expect(error == .arena(.capExceeded(limitBytes: 1024)))
    }
}
