import Testing

@testable import PosternClient

@Suite struct LineSplitterTests {
    private func lines(_ pieces: [String]) -> (lines: [String], rest: String) {
        var splitter = LineSplitter()
        var lines: [String] = []
        for piece in pieces {
            _ = splitter.take(Array(piece.utf8).span) { line in
                lines.append(String(decoding: line, as: UTF8.self))
                return true
            }
        }
        return (lines, String(decoding: splitter.takeRest(), as: UTF8.self))
    }

    @Test func linesAreTheSameHoweverTheyArePieced() {
        let text = "one\n\ntwo and more\nlast"
        let whole = lines([text])
        #expect(whole.lines == ["one", "", "two and more"] && whole.rest == "last")
        #expect(lines(text.map { String($0) }) == whole)
        for cut in 0...text.count {
            #expect(lines([String(text.prefix(cut)), String(text.dropFirst(cut))]) == whole)
        }
    }

    @Test func whoeverHasEnoughIsGivenNoMore() {
        var splitter = LineSplitter()
        var count = 0
        let goesOn = splitter.take(Array("a\nb\nc\n".utf8).span) { _ in
            count += 1
            return count < 2
        }
        #expect(!goesOn && count == 2)
    }
}
