import Testing

@testable import Telemetry

private func status(_ text: String) -> ProcessStatus? { ProcessStatus(parsing: Array(text.utf8).span) }

private let tail = " S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 21 0 4711 90001408 3026 18446744073709551615 1 1\n"

@Suite
struct ProcessStatusTests {
    @Test(arguments: ["postern", "a b", ")", "x) R (y", "", "((("])
    func readsItsFieldsBehindAnyName(name: String) {
        let found = status("812 (\(name))" + tail)
        #expect(found?.threads == 21)
        #expect(found?.startTicks == 4_711)
        #expect(found?.virtualBytes == 90_001_408)
    }

    @Test
    func refusesEveryTextThatIsCutShort() {
        let whole = "812 (postern)" + tail
        let end = whole.utf8.count - " 3026 18446744073709551615 1 1\n".utf8.count
        for length in 0..<end {
            let cut = status(String(whole.prefix(length)))
            // The last field may be cut within its digits, which nobody can notice; all before it must be whole.
            if length <= end - "90001408".utf8.count { #expect(cut == nil, "\(length)") }
        }
        #expect(status(String(whole.prefix(end))) != nil)
    }

    @Test(arguments: ["x", "-1", "99999999999999999999", "1x"])
    func refusesWhatIsNoNumber(text: String) {
        #expect(status("812 (postern)" + tail.replacing("4711", with: text)) == nil)
    }

    @Test
    func readsResidentPages() {
        func pages(_ text: String) -> UInt64? { ProcessStatus.residentPages(parsing: Array(text.utf8).span) }
        #expect(pages("21973 3026 1891 12 0 400 0\n") == 3_026)
        #expect(pages("21973 3026") == 3_026)
        for text in ["", "21973", "21973 ", "21973 x", "x 3026", " 3026"] { #expect(pages(text) == nil, "\(text)") }
    }
}
