import Testing

@testable import Configuration

@Suite struct SpellingTests {
    @Test(arguments: [
        ("", "", 0), ("a", "", 1), ("", "ab", 2), ("listen", "listne", 1), ("loops", "lops", 1), ("a", "b", 1),
    ])
    func distanceCountsChanges(a: String, b: String, distance: Int) {
        #expect(Spelling.distance(Array(a.utf8), Array(b.utf8)) == distance)
        #expect(Spelling.distance(Array(b.utf8), Array(a.utf8)) == distance)
    }

    @Test func theNearestIsFoundAndNothingThatIsFar() {
        let names = ["listen", "loops", "tokens", "max_connections"]
        #expect(Spelling.nearest(to: "lisen", among: names) == "listen")
        #expect(Spelling.nearest(to: "max_conections", among: names) == "max_connections")
        #expect(Spelling.nearest(to: "colour", among: names) == nil)
        #expect(Spelling.nearest(to: "", among: names) == nil)
        #expect(Spelling.nearest(to: String(repeating: "x", count: 10_000), among: names) == nil)
    }
}
