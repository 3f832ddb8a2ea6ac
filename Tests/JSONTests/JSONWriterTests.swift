import Arenas
import JSON
import Testing

struct JSONWriterTests {
    private func quoted(_ text: String) -> String {
        writtenText { JSONWriter.appendString(Array(text.utf8).span, to: &$0) }
    }

    @Test(arguments: [
        ("", #""""#), ("plain", #""plain""#), ("\"\\/", #""\"\\/""#), ("\u{8}\u{9}\u{A}\u{C}\u{D}", #""\b\t\n\f\r""#),
        ("\0\u{1}\u{B}\u{1F}", #""\u0000\u0001\u000b\u001f""#),
        ("\u{7F}\u{E9}\u{20AC}\u{1F600}\u{2028}", "\"\u{7F}\u{E9}\u{20AC}\u{1F600}\u{2028}\""),
        ("\n\n", #""\n\n""#), ("\"start", #""\"start""#), ("end\"", #""end\"""#),
        (
            "a run longer than one block of thirty-two bytes\nand another",
            #""a run longer than one block of thirty-two bytes\nand another""#
        ),
    ])
    func escapesWhatHasToBe(text: String, expected: String) { #expect(quoted(text) == expected) }

    @Test func writesLiterals() {
        #expect(writtenText { JSONWriter.appendString("a literal", to: &$0) } == #""a literal""#)
        #expect(writtenText { JSONWriter.appendString("a \"b\" \n", to: &$0) } == #""a \"b\" \n""#)
        #expect(writtenText { JSONWriter.appendString("", to: &$0) } == #""""#)
    }

    @Test func writesIntegersOfEveryWidth() {
        func decimal<Value: FixedWidthInteger>(_ value: Value) -> String {
            writtenText { JSONWriter.appendInteger(value, to: &$0) }
        }
        for value: Int64 in [0, 1, -1, 9, 10, 99, 100, -12_345, 1_234_567_890, .max, .min] {
            #expect(decimal(value) == "\(value)")
        }
        #expect(decimal(UInt64.max) == "18446744073709551615")
        #expect(decimal(Int8.min) == "-128")
        #expect(decimal(UInt8(255)) == "255")
        #expect(decimal(42) == "42")
    }

    /// RFC 4648, section 10, and the two characters that differ from the URL alphabet.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"), ("foobarf", "Zm9vYmFyZg=="), ("\u{3FB}\u{FF}", "z7vDvw=="),
    ])
    func writesBase64(text: String, expected: String) {
        #expect(writtenText { JSONWriter.appendBase64String(Array(text.utf8).span, to: &$0) } == "\"\(expected)\"")
    }

    @Test func writesBase64OfEveryLengthAndByte() {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        for length in 0..<200 {
            let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ length) }
            var expected: [UInt8] = []
            for start in stride(from: 0, to: length, by: 3) {
                let group = (0..<3).reduce(0) { $0 << 8 | (start + $1 < length ? Int(bytes[start + $1]) : 0) }
                for place in 0..<4 {
                    expected.append(
                        start + place <= length ? alphabet[group >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
                }
            }
            let quote = [UInt8(ascii: "\"")]
            #expect(written { JSONWriter.appendBase64String(bytes.span, to: &$0) } == quote + expected + quote)
        }
    }

    @Test(arguments: [
        ("1", "1"), ("[1, 2]", "[1, 2]"), ("[\n  1,\n  2\n]", "[1,2]"),
        ("{\r\n\t\"a\": \"b c\"\r\n}\n", "{\"a\": \"b c\"}"),
        ("[1,\t2]", "[1,2]"), ("\n\n1\n\n", "1"), ("[\"\\n  \\t\"]", "[\"\\n  \\t\"]"),
        ("[\"   \",\n   \"  \"]", "[\"   \",\"  \"]"),
        ("[\n]", "[]"), ("{ \"a\" : true }", "{ \"a\" : true }"),
    ])
    func putsAValueOnOneLine(value: String, expected: String) {
        #expect(writtenText { JSONWriter.appendOnOneLine(Array(value.utf8).span, to: &$0) } == expected)
    }

    @Test func writesIntoAnArena() throws {
        let arena = ScopedArena()
        var buffer = ArenaBuffer(in: arena, capacity: 0)
        JSONWriter.appendString("k", to: &buffer)
        JSONWriter.appendInteger(-3, to: &buffer)
        JSONWriter.appendOnOneLine(Array("[\n1]".utf8).span, to: &buffer)
        JSONWriter.appendBase64String(Array("foo".utf8).span, to: &buffer)
        let text = try buffer.finish().array
        #expect(text == Array(#""k"-3[1]"Zm9v""#.utf8))
    }
}
