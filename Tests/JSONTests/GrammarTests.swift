import JSON
import Testing

/// What `validate` accepts and refuses, and where it says a document breaks. (RFC 8259)
struct GrammarTests {
    @Test(arguments: [
        "null", "true", "false", "0", "\"\"", "[]", "{}", "[[]]", "[{}]", "{\"\":{}}",
        "[1,2,3]", "[ ]", "{ }", "[ 1 , 2 ]", "{ \"a\" : 1 , \"b\" : [ ] }", "[[],[[]],{}]",
        "{\"a\":null,\"a\":true}", "[true,false,null]", "{\"a\":{\"b\":{\"c\":[1,{\"d\":2}]}}}", "[[1],[2]]",
        "{\"a\":[],\"b\":[{}],\"c\":\"\"}",
    ])
    func acceptsEveryKindOfValue(document: String) { #expect(verdict(document) == nil) }

    @Test(arguments: [
        "0", "-0", "1", "-1", "10", "1234567890", "0.5", "-0.0", "1.25", "0e0", "1e5", "1E5", "1e+5", "1e-5", "0.1e10",
        "123456789012345678901234567890", "1e400", "-1.5E-0099", "0.00000000000000000000000000000001",
    ])
    func acceptsNumbersOfAnySize(number: String) {
        #expect(verdict(number) == nil)
        #expect(verdict("[\(number)]") == nil)
    }

    @Test(
        arguments: [
            ("-", 1, .digit), ("-a", 1, .digit), ("--1", 1, .digit), ("+1", 0, .value), (".5", 0, .value),
            ("1.", 2, .digit), ("1.e5", 2, .digit), ("[1.]", 3, .digit), ("1e", 2, .digit), ("1e+", 3, .digit),
            ("1E-x", 3, .digit), ("1e5.5", 3, .endOfInput), ("01", 1, .noLeadingZero), ("-01", 2, .noLeadingZero),
            ("[00]", 2, .noLeadingZero), ("0x10", 1, .endOfInput), ("1_000", 1, .endOfInput), ("1,000", 1, .endOfInput),
            ("NaN", 0, .value), ("Infinity", 0, .value), ("-Infinity", 1, .digit), ("[1 2]", 3, .commaOrEndOfArray),
            ("1\u{0660}", 1, .endOfInput), ("[-", 2, .digit), ("[1.5", 4, .commaOrEndOfArray),
        ] as [(String, Int, JSONExpectation)])
    func refusesOtherNumbers(document: String, offset: Int, expected: JSONExpectation) {
        #expect(verdict(document) == .at(offset, expected))
    }

    @Test(
        arguments: [
            ("", 0, .value), (" \n", 2, .value), ("[", 1, .value), ("[1", 2, .commaOrEndOfArray),
            ("[1,", 3, .value), ("[1,]", 3, .value), ("[,1]", 1, .value), ("[1,,2]", 3, .value),
            ("[1}", 2, .commaOrEndOfArray),
            ("]", 0, .value), ("[]]", 2, .endOfInput), ("[1]x", 3, .endOfInput), ("1 2", 2, .endOfInput),
            ("[\"a\":1]", 4, .commaOrEndOfArray), ("(1)", 0, .value),
            ("{", 1, .keyOrEndOfObject), ("{1:2}", 1, .keyOrEndOfObject), ("{a:1}", 1, .keyOrEndOfObject),
            ("{'a':1}", 1, .keyOrEndOfObject), ("{,\"a\":1}", 1, .keyOrEndOfObject), ("{]", 1, .keyOrEndOfObject),
            ("{\"a\"", 4, .colon), ("{\"a\"}", 4, .colon), ("{\"a\" 1}", 5, .colon), ("{\"a\",1}", 4, .colon),
            ("{\"a\":", 5, .value), ("{\"a\":}", 5, .value), ("{\"a\"::1}", 5, .value),
            ("{\"a\":1", 6, .commaOrEndOfObject),
            ("{\"a\":1,", 7, .key), ("{\"a\":1,}", 7, .key), ("{\"a\":1,,\"b\":2}", 7, .key),
            ("{\"a\":1 \"b\":2}", 7, .commaOrEndOfObject),
            ("{\"a\":1]", 6, .commaOrEndOfObject), ("{\"a\":1}}", 7, .endOfInput), ("{\"a\":1,2}", 7, .key),
            ("{null:1}", 1, .keyOrEndOfObject), ("[{]}", 2, .keyOrEndOfObject), ("[\"a\"", 4, .commaOrEndOfArray),
            ("/*c*/1", 0, .value), ("[1]//c", 3, .endOfInput), ("[1,//c\n2]", 3, .value), ("undefined", 0, .value),
        ] as [(String, Int, JSONExpectation)])
    func saysWhereStructureBreaks(document: String, offset: Int, expected: JSONExpectation) {
        #expect(verdict(document) == .at(offset, expected))
    }

    @Test(
        arguments: [
            ("tru", 3, .restOfLiteral), ("t", 1, .restOfLiteral), ("trux", 3, .restOfLiteral),
            ("fals", 4, .restOfLiteral),
            ("falze", 3, .restOfLiteral), ("nul", 3, .restOfLiteral), ("nUll", 1, .restOfLiteral), ("True", 0, .value),
            ("truee", 4, .endOfInput), ("nullnull", 4, .endOfInput), ("[fa]", 3, .restOfLiteral),
            ("falsey", 5, .endOfInput),
        ] as [(String, Int, JSONExpectation)])
    func wantsLiteralsInFull(document: String, offset: Int, expected: JSONExpectation) {
        #expect(verdict(document) == .at(offset, expected))
    }

    @Test func knowsFourKindsOfWhiteSpaceOnly() throws {
        #expect(try valueRange(" \t\r\n[\n1 ,\t2\r] \n") == 4..<13)
        for other: String in ["\u{0B}", "\u{0C}", "\u{00}", "\u{A0}", "\u{2028}", "\u{1F}"] {
            #expect(verdict(other + "1") == .at(0, .value))
            #expect(verdict("1" + other) == .at(1, .endOfInput))
            #expect(verdict("[1" + other + "]") == .at(2, .commaOrEndOfArray))
        }
    }

    @Test func refusesAByteOrderMarkByName() {
        #expect(verdict([0xEF, 0xBB, 0xBF] + Array("{}".utf8)) == .at(0, .noByteOrderMark))
        #expect(verdict([0xEF, 0xBB]) == .at(0, .value))
        #expect(verdict(Array("[".utf8) + [0xEF, 0xBB, 0xBF]) == .at(1, .value))
        #expect(verdict([0xFF, 0xFE, 0x5B, 0x00]) == .at(0, .value))
    }

    @Test func limitsNesting() {
        func nested(_ depth: Int) -> [UInt8] {
            var opening: [UInt8] = [], closing: [UInt8] = []
            for level in 0..<depth {
                opening += Array((level % 3 == 0 ? "{\"k\":" : "[").utf8)
                closing.insert(UInt8(ascii: level % 3 == 0 ? "}" : "]"), at: 0)
            }
            return opening + Array("1".utf8) + closing
        }
        #expect(verdict(nested(64)) == nil)
        #expect(verdict(nested(65)) == .at(64 + 22 * 4, .shallowerNesting))
        #expect(verdict(nested(1), depthLimit: 1) == nil)
        #expect(verdict(nested(2), depthLimit: 1) == .at(5, .shallowerNesting))
        // What is closed no longer counts.
        #expect(verdict(Array("[[],[],{},[]]".utf8), depthLimit: 2) == nil)
        let most = JSONReader.maximumDepthLimit
        #expect(verdict(nested(most), depthLimit: most) == nil)
        #expect(verdict(nested(most + 1), depthLimit: most) != nil)
        var crossed = nested(most)
        crossed[crossed.count - 100] ^= UInt8(ascii: "]") ^ UInt8(ascii: "}")
        #expect(verdict(crossed, depthLimit: most) != nil)
    }

    /// Every proper prefix of a document that ends with a bracket breaks at its end, never before and never later.
    @Test(arguments: [
        #"{"a":[1,-2.5e+3,true,false,null],"\u00e9\ud83d\ude00":"x\n\"y","long key beyond eight bytes":{"z":[]}}"#,
        " [ \"\u{E9}\u{20AC}\u{1F600} and thirty-two bytes more of plain text\" , { } , [ 0 ] ]",
    ])
    func breaksAtTheEndWhereverItIsCut(document: String) {
        let bytes = Array(document.utf8)
        #expect(verdict(bytes) == nil)
        for length in 0..<bytes.count {
            guard case .malformed(let offset, let expected)? = verdict(Array(bytes[..<length])) else {
                Issue.record("a document cut to \(length) bytes is accepted")
                continue
            }
            // A sequence of UTF-8 that is cut off is ill-formed from its first byte on.
            #expect(expected == .validUTF8 ? (length - 3..<length).contains(offset) : offset == length)
        }
    }

    @Test func describesEveryExpectation() {
        let descriptions = Set(JSONExpectation.allCases.map { "\($0.description)" })
        #expect(descriptions.count == JSONExpectation.allCases.count)
        #expect(JSONExpectation.colon.description.description == "':' after the object key")
    }
}
