import Testing

@testable import PubSub

@Suite struct NewsTests {
    @Test(arguments: LogKind.allCases) func aWatchedTopicIsToldOnce(_ kind: LogKind) throws {
        let fixture = LogFixture(kind)
        #expect(try fixture.read("a", watches: true).outcome.watchedTopic != nil)
        let told = try fixture.publish([("a", "1")]).told
        #expect(told.contains(fixture.reader.index))
        try fixture.publish("a", "2")
        #expect(fixture.news() == ["a"])
        #expect(fixture.news() == [])
    }

    @Test(arguments: LogKind.allCases) func whatIsNotWatchedIsNotTold(_ kind: LogKind) throws {
        let fixture = LogFixture(kind)
        _ = try fixture.read("a", watches: true)
        #expect(try fixture.publish([("b", "1")]).told.isEmpty)
        #expect(fixture.news() == [])
    }

    @Test(arguments: LogKind.allCases) func aReadThatFoundSomethingWatchesNothing(_ kind: LogKind) throws {
        let fixture = LogFixture(kind)
        try fixture.publish("a", "1")
        #expect(try fixture.read("a", watches: true).outcome.watchedTopic == nil)
        #expect(try fixture.publish([("a", "2")]).told.isEmpty)
    }

    @Test(arguments: LogKind.allCases) func aPatternHearsOfTopicsThatAreMadeLater(_ kind: LogKind) throws {
        let fixture = LogFixture(kind)
        _ = try fixture.read("a.*", watches: true)
        for index in 0..<300 { try fixture.publish("a.\(index)", "x") }
        #expect(Set(fixture.news()).count == 300)
        fixture.reader.unwatchAll()
        #expect(try fixture.publish([("a.1", "x")]).told.isEmpty)
    }

    @Test(arguments: LogKind.allCases) func eachReaderIsToldOfItsOwn(_ kind: LogKind) throws {
        let fixture = LogFixture(kind)
        let other = fixture.log.makeReader()
        _ = try fixture.read("a", watches: true)
        let name = Array("b".utf8)
        _ = try other.read(
            .name(name.span),
            ReadRequest(start: .latest, limit: 1, maximumBytes: 1, watches: true, nowMicroseconds: fixture.now)
        ) { _ in }
        var told = try fixture.publish([("a", "1"), ("b", "2")]).told
        #expect(told.popFirst() == 0 && told.popFirst() == 1 && told.popFirst() == nil)
        #expect(fixture.news() == ["a"])
    }
}
