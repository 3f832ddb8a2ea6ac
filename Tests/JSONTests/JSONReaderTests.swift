import Arenas
import JSON
import Testing

/// The pull reader as a decoder of envelopes uses it.
struct JSONReaderTests {
    @Test func leadsThroughADocumentInItsOrder() throws {
        let document = Array(
            #" { "topic" : "a.b", "\u0064ata" : [1, {"x":[]}, "y"] , "ttl":-5, "on":true,"off":false,"none":null } "#
                .utf8)
        let arena = ScopedArena()
        var reader = JSONReader(document.span)
        var seen: [String] = []
        #expect(try reader.peek() == .object)
        try reader.beginObject()
        while let key = try reader.nextKey(in: arena) {
            seen.append(String(decoding: key.array, as: UTF8.self))
            switch try reader.peek() {
            case .string: seen.append(String(decoding: try reader.readString(in: arena).array, as: UTF8.self))
            case .number: seen.append("\(try reader.readInteger())")
            case .true, .false: seen.append("\(try reader.readBool())")
            case .null:
                try reader.readNull()
                seen.append("null")
            case .array, .object:
                let range = try reader.skipValue()
                seen.append(String(decoding: document[range], as: UTF8.self))
            }
        }
        try reader.finish()
        #expect(reader.offset == document.count)
        #expect(
            seen == [
                "topic", "a.b", "data", #"[1, {"x":[]}, "y"]"#, "ttl", "-5", "on", "true", "off", "false", "none",
                "null",
            ])
    }

    @Test func leadsThroughNestedContainers() throws {
        let document = Array(#"[[],{},[1,[2]],{"a":{"b":3}}]"#.utf8)
        let arena = ScopedArena()
        var reader = JSONReader(document.span)
        try reader.beginArray()
        #expect(try reader.nextElement())
        try reader.beginArray()
        #expect(try !reader.nextElement())
        #expect(try reader.nextElement())
        try reader.beginObject()
        #expect(try !hasKey(&reader, arena))
        #expect(try reader.nextElement())
        try reader.beginArray()
        #expect(try reader.nextElement())
        #expect(try reader.readInteger() == 1)
        #expect(try reader.nextElement())
        #expect(try reader.skipValue() == 10..<13)
        #expect(try !reader.nextElement())
        #expect(try reader.nextElement())
        try reader.beginObject()
        #expect(try hasKey(&reader, arena))
        #expect(reader.depth == 2)
        #expect(try reader.skipValue() == 20..<27)
        #expect(try !hasKey(&reader, arena))
        #expect(try !reader.nextElement())
        #expect(reader.depth == 0)
        try reader.finish()
    }

    @Test func skipsValuesExactlyAsWritten() throws {
        for value in [
            "1.50", "-0", "1E+2", "\"\\u0041\"", "[ 1 ,\n2 ]", "{ \"a\" : { } }", "true", "null",
            "12345678901234567890123",
        ] {
            #expect(try valueRange(value) == 0..<value.utf8.count)
            #expect(try valueRange(" \n\(value)\t ") == 2..<2 + value.utf8.count)
        }
    }

    @Test(
        arguments: [
            ("0", 0), ("-0", 0), ("7", 7), ("-7", -7), ("9223372036854775807", .max), ("-9223372036854775808", .min),
            (" 42 ", 42),
            ("1000000000000000000", 1_000_000_000_000_000_000),
        ] as [(String, Int64)])
    func readsIntegers(document: String, value: Int64) throws {
        var reader = JSONReader(Array(document.utf8).span)
        #expect(try reader.readInteger() == value)
        try reader.finish()
    }

    @Test(
        arguments: [
            ("9223372036854775808", 0, .integerOf64Bits), ("-9223372036854775809", 0, .integerOf64Bits),
            (" 99999999999999999999", 1, .integerOf64Bits), ("18446744073709551616", 0, .integerOf64Bits),
            ("1.0", 0, .integer), ("1e1", 0, .integer), ("-1.5", 0, .integer), ("\"1\"", 0, .integer),
            ("true", 0, .integer),
            ("[1]", 0, .integer), ("01", 1, .noLeadingZero), ("-", 1, .digit), ("1.", 2, .digit), ("", 0, .value),
            ("x", 0, .value),
        ] as [(String, Int, JSONExpectation)])
    func refusesWhatIsNoInteger(document: String, offset: Int, expected: JSONExpectation) {
        #expect(
            errorOf { () throws(JSONError) in
                var reader = JSONReader(Array(document.utf8).span)
                _ = try reader.readInteger()
            } == .at(offset, expected))
    }

    /// One reading of each kind against each other kind of value.
    @Test func namesTheKindThatWasWanted() {
        let values = ["{}", "[]", "\"s\"", "1", "true", "null"]
        func expectRefusals(
            except accepted: String, _ expected: JSONExpectation, _ read: (String) throws(JSONError) -> Void
        ) {
            for value in values {
                let error = errorOf { () throws(JSONError) in try read("  " + value) }
                #expect(error == (value == accepted ? nil : .at(2, expected)), "\(value)")
            }
            #expect(errorOf { () throws(JSONError) in try read("  ?") } == .at(2, .value))
        }
        expectRefusals(except: "{}", .object) { (text) throws(JSONError) in
            var reader = JSONReader(Array(text.utf8).span)
            try reader.beginObject()
        }
        expectRefusals(except: "[]", .array) { (text) throws(JSONError) in
            var reader = JSONReader(Array(text.utf8).span)
            try reader.beginArray()
        }
        expectRefusals(except: "\"s\"", .string) { (text) throws(JSONError) in
            let arena = ScopedArena()
            var reader = JSONReader(Array(text.utf8).span)
            _ = try reader.readString(in: arena)
        }
        expectRefusals(except: "1", .integer) { (text) throws(JSONError) in
            var reader = JSONReader(Array(text.utf8).span)
            _ = try reader.readInteger()
        }
        expectRefusals(except: "true", .bool) { (text) throws(JSONError) in
            var reader = JSONReader(Array(text.utf8).span)
            _ = try reader.readBool()
        }
        expectRefusals(except: "null", .null) { (text) throws(JSONError) in
            var reader = JSONReader(Array(text.utf8).span)
            try reader.readNull()
        }
    }

    @Test func tellsTheKindByPeekingAndReadsNothing() throws {
        let kinds: [(String, JSONKind)] = [
            ("{", .object), ("[", .array), ("\"", .string), ("-", .number), ("0", .number), ("9", .number),
            ("t", .true),
            ("f", .false), ("n", .null),
        ]
        for (text, kind) in kinds {
            var reader = JSONReader(Array((" " + text).utf8).span)
            #expect(try reader.peek() == kind)
            #expect(try reader.peek() == kind)
            #expect(reader.offset == 1)
        }
    }

    @Test func wantsNothingBehindTheDocument() throws {
        var reader = JSONReader(Array("1 \n 2".utf8).span)
        _ = try reader.readInteger()
        #expect(errorOf { () throws(JSONError) in try reader.finish() } == .at(4, .endOfInput))
    }

    @Test func limitsNestingOfWhatIsPulled() throws {
        var reader = JSONReader(Array("[{\"a\":[".utf8).span, depthLimit: 2)
        let arena = ScopedArena()
        try reader.beginArray()
        #expect(try reader.nextElement())
        try reader.beginObject()
        #expect(try hasKey(&reader, arena))
        #expect(errorOf { () throws(JSONError) in try reader.beginArray() } == .at(6, .shallowerNesting))
        #expect(errorOf { () throws(JSONError) in _ = try reader.skipValue() } == .at(6, .shallowerNesting))
    }

    /// Wrong use traps, since no document can cause it.
    @Test func trapsWhereTheCallerErrs() async {
        await #expect(processExitsWith: .failure) { _ = JSONReader([UInt8]().span, depthLimit: 0).offset }
        await #expect(processExitsWith: .failure) {
            _ = JSONReader([UInt8]().span, depthLimit: JSONReader.maximumDepthLimit + 1).offset
        }
        await #expect(processExitsWith: .failure) {
            var reader = JSONReader(Array("{}".utf8).span)
            try reader.beginObject()
            _ = try reader.nextElement()
        }
        await #expect(processExitsWith: .failure) {
            var reader = JSONReader(Array("[".utf8).span)
            try reader.beginArray()
            try reader.finish()
        }
    }

    @Test func comparesKeysWithNames() {
        func matches(_ key: String, _ name: StaticString) -> Bool {
            JSONReader.matches(Array(key.utf8).span, name)
        }
        #expect(matches("topic", "topic"))
        #expect(!matches("topik", "topic"))
        #expect(!matches("topi", "topic"))
        #expect(!matches("topics", "topic"))
        #expect(matches("", ""))
    }

    @_lifetime(reader: copy reader)
    private func hasKey(_ reader: inout JSONReader, _ arena: borrowing ScopedArena) throws(JSONError) -> Bool {
        try reader.nextKey(in: arena) != nil
    }
}
