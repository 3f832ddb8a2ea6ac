import Testing

@testable import PubSub

@Suite struct ReadingTests {
    @Test(arguments: LogKind.allCases) func readsWhatWasPublishedInOrder(_ kind: LogKind) throws {
        let fixture = LogFixture(kind)
        for text in ["one", "two", "three"] { try fixture.publish("a", text) }
        let (texts, outcome) = try fixture.read("a")
        #expect(texts == ["one", "two", "three"])
        #expect(outcome.count == 3 && outcome.next == 3)
    }

    @Test(arguments: LogKind.allCases) func topicsAreApartAndPatternsJoinThemInOrder(_ kind: LogKind) throws {
        let fixture = LogFixture(kind)
        try fixture.publish("a.x", "1")
        try fixture.publish("b", "2")
        try fixture.publish("a.y", "3")
        #expect(fixture.texts("a.x") == ["1"])
        #expect(fixture.texts("a.*") == ["1", "3"])
        #expect(fixture.texts("b,a.y") == ["2", "3"])
        #expect(fixture.texts("**") == ["1", "2", "3"])
        #expect(fixture.texts("nobody") == [])
    }

    @Test(arguments: LogKind.allCases) func stampsCursorAndTime(_ kind: LogKind) throws {
        let fixture = LogFixture(kind)
        fixture.now = 1_795_406_700_123_456
        try fixture.publish("a", "text")
        var stored = ""
        let name = Array("a".utf8)
        _ = try fixture.reader.read(
            .name(name.span),
            ReadRequest(start: .earliest, limit: 1, maximumBytes: 1000, nowMicroseconds: fixture.now)
        ) { stored = string($0) }
        let cursor = string(Cursor(epoch: fixture.log.epoch, sequence: 1).text.span)
        #expect(stored == cursor + "2026-11-23T04:05:00.123456Z" + "text")
    }

    @Test(arguments: LogKind.allCases) func continuesBehindAPosition(_ kind: LogKind) throws {
        let fixture = LogFixture(kind)
        for index in 1...9 { try fixture.publish(index % 3 == 0 ? "third" : "other", "\(index)") }
        #expect(fixture.texts("third", .after(0)) == ["3", "6", "9"])
        #expect(fixture.texts("third", .after(3)) == ["6", "9"])
        #expect(fixture.texts("third", .after(4)) == ["6", "9"])
        #expect(fixture.texts("third", .after(9)) == [])
        #expect(fixture.texts("third", .latest) == [])
    }

    @Test(arguments: LogKind.allCases) func anEmptyReadKeepsTheClientsPosition(_ kind: LogKind) throws {
        let fixture = LogFixture(kind)
        try fixture.publish("a", "1")
        try fixture.publish("b", "2")
        #expect(try fixture.read("a", .after(1)).outcome.next == 1)
        #expect(try fixture.read("a", .latest).outcome.next == 2)
        #expect(try fixture.read("nobody").outcome.next == 2)
    }

    @Test(arguments: LogKind.allCases) func stopsAtTheLimitAndAtTheBytes(_ kind: LogKind) throws {
        let fixture = LogFixture(kind)
        for index in 0..<10 { try fixture.publish("a", "message \(index)") }
        let (few, outcome) = try fixture.read("a", limit: 3)
        #expect(few == ["message 0", "message 1", "message 2"] && outcome.next == 3)
        let messageBytes = LogFixture.frameBytes + 9
        #expect(try fixture.read("a", bytes: messageBytes * 2 + 1).texts.count == 2)
        #expect(try fixture.read("**", bytes: messageBytes * 2).texts.count == 2)
        #expect(try fixture.read("a", bytes: 1).texts.count == 1, "one message is returned whatever its size")
    }

    @Test(arguments: LogKind.allCases) func beginsAtATime(_ kind: LogKind) throws {
        let fixture = LogFixture(kind)
        for index in 0..<100 {
            fixture.now += 1000
            try fixture.publish(index % 2 == 0 ? "even" : "odd", "\(index)")
        }
        let since = fixture.now - 10 * 1000
        #expect(fixture.texts("even", .since(microseconds: since)) == ["90", "92", "94", "96", "98"])
        #expect(fixture.texts("**", .since(microseconds: fixture.now)) == ["99"])
        #expect(fixture.texts("**", .since(microseconds: fixture.now + 1)) == [])
        #expect(fixture.texts("even", .since(microseconds: 0)).count == 50)
    }

    @Test(arguments: LogKind.allCases) func timeNeverRunsBackwards(_ kind: LogKind) throws {
        let fixture = LogFixture(kind)
        try fixture.publish("a", "1")
        fixture.now -= 5_000_000
        try fixture.publish("a", "2")
        fixture.now += 5_000_000
        #expect(fixture.texts("a", .since(microseconds: fixture.now)) == ["1", "2"])
    }

    @Test(arguments: LogKind.allCases) func expiredMessagesAreNotRead(_ kind: LogKind) throws {
        let fixture = LogFixture(kind)
        try fixture.publish("a", "short", ttl: 1000)
        try fixture.publish("a", "long")
        #expect(fixture.texts("a") == ["short", "long"])
        fixture.now += 1000
        #expect(fixture.texts("a") == ["long"])
        #expect(fixture.texts("**") == ["long"])
    }

    @Test(arguments: LogKind.allCases) func aRepeatedKeyIsStoredOnce(_ kind: LogKind) throws {
        let fixture = LogFixture(kind)
        let first = try fixture.publish("a", "1", key: "k")
        let again = try fixture.publish("a", "1", key: "k")
        #expect(again == .init(sequence: first.sequence, isDuplicate: true))
        #expect(fixture.texts("a") == ["1"])
        fixture.now += 120_000_000
        #expect(try !fixture.publish("a", "2", key: "k").isDuplicate, "the window is over")
        let batch = try fixture.publish([("a", "x"), ("a", "y")], key: "twice").stored
        #expect(batch[1] == .init(sequence: batch[0].sequence, isDuplicate: true), "also inside one batch")
    }

    @Test func aBatchIsStoredWholeOrNotAtAll() throws {
        let fixture = LogFixture(.memory) { $0.retention.bytes = 1 << 20 }
        let large = String(repeating: "x", count: 600 << 10)
        #expect(throws: LogError.messageTooLarge) { try fixture.publish([("a", "small"), ("a", large), ("a", large)]) }
        #expect(fixture.texts("**") == [] && fixture.snapshot("a") == nil)
        try fixture.publish([("a", "small"), ("b", large)])
        #expect(fixture.texts("a") == ["small"])
    }

    @Test func messagesLargerThanASegmentFit() throws {
        let fixture = LogFixture(.memory) { $0.retention.bytes = 4 << 20 }
        let large = String(repeating: "x", count: 1 << 20)
        for index in 0..<20 {
            try fixture.publish("a", "before \(index)")
            try fixture.publish("a", large)
        }
        let last = try fixture.read("a", bytes: 64 << 20).texts
        #expect(last.last == large)
        #expect(fixture.log.statistics.reservedBytes <= 4 << 20 + 2 * (256 << 10))
    }

    @Test(arguments: LogKind.allCases) func refusesMoreTopicsThanMayBe(_ kind: LogKind) throws {
        let fixture = LogFixture(kind) { $0.maximumTopics = 2 }
        try fixture.publish("a", "1")
        try fixture.publish("b", "1")
        #expect(throws: LogError.tooManyTopics) { try fixture.publish("c", "1") }
        #expect(throws: ReadError.tooManyTopics) { try fixture.read("c", watches: true) }
        #expect(fixture.texts("c") == [])
        try fixture.publish("a", "2")
    }

    @Test(arguments: LogKind.allCases) func listsTopicsInOrderPageByPage(_ kind: LogKind) throws {
        let fixture = LogFixture(kind)
        for name in ["b.2", "a", "b.1", "c", "b.10"] { try fixture.publish(name, "x") }
        func page(_ prefix: String, after: String, limit: Int) -> ([String], Bool) {
            var names: [String] = []
            let more = fixture.log.listTopics(
                prefix: Array(prefix.utf8).span, after: Array(after.utf8).span, limit: limit
            ) { name, _ in names.append(string(name)) }
            return (names, more)
        }
        #expect(page("", after: "", limit: 10) == (["a", "b.1", "b.10", "b.2", "c"], false))
        #expect(page("b.", after: "", limit: 2) == (["b.1", "b.10"], true))
        #expect(page("b.", after: "b.10", limit: 2) == (["b.2"], false))
        #expect(page("zzz", after: "", limit: 2) == ([], false))
    }
}
