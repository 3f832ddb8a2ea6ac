import Testing

@testable import Configuration

@Suite struct TOMLDocumentTests {
    private func read(_ text: String) throws(TOMLDocument.SyntaxError) -> [TOMLDocument.Entry] {
        try TOMLDocument(parsing: Array(text.utf8).span).entries
    }

    @Test func valuesComeInTheOrderOfTheirLines() throws {
        let entries = try read("z = 'last letter'\na = 7\n\nflag = true\nlist = ['x', 2]\n")
        #expect(
            entries == [
                .init(key: "z", value: .text("last letter"), line: 1), .init(key: "a", value: .integer("7"), line: 2),
                .init(key: "flag", value: .truth(true), line: 4),
                .init(key: "list", value: .list(["x", "2"]), line: 5),
            ])
    }

    @Test func tablesAreLaidOutFlat() throws {
        let entries = try read("[a]\nb = 1\n[a.c]\nd = 2\n")
        #expect(entries.map(\.key) == ["a.b", "a.c.d"])
        #expect(try read("a = { b = 1 }").map(\.key) == ["a.b"])
        #expect(try read("[empty]") == [.init(key: "empty", value: .emptyTable, line: 1)])
    }

    @Test(arguments: [
        ("x = 1.5", "a number with a point"), ("x = 2026-11-23", "a date or time"),
        ("x = [[1]]", "a list of more than texts and numbers"),
    ])
    func whatNoSettingTakesIsTold(text: String, what: String) throws {
        #expect(try read(text).map(\.value) == [.other(what)])
    }

    @Test(arguments: [("a = ", 1), ("a = 1\na = 2", 2), ("a = 1\n\n= 3", 3), ("a = \"\u{7}\"", 1), ("a = 'x", 1)])
    func theFirstFaultIsToldWithItsLine(text: String, line: Int) {
        let error = #expect(throws: TOMLDocument.SyntaxError.self) { try read(text) }
        #expect(error?.line == line)
        #expect(error?.message.isEmpty == false)
    }

    @Test func bytesThatAreNoUTF8AreRefused() {
        #expect(throws: TOMLDocument.SyntaxError.self) {
            try TOMLDocument(parsing: [0x61, 0x3D, 0x22, 0xFF, 0x22].span)
        }
    }

    @Test func nothingIsADocument() throws { #expect(try read("").isEmpty) }
}
