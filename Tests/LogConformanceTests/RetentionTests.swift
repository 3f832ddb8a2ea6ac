import Testing

@testable import PubSub

@Suite struct RetentionTests {
    private func configure(_ fixture: LogFixture, _ topic: String, _ policy: RetentionPolicy) throws -> Bool {
        try fixture.configure(topic, policy)
    }

    @Test(arguments: LogKind.allCases) func countDropsTheOldestOfTheWholeLog(_ kind: LogKind) throws {
        let fixture = LogFixture(kind) { $0.retention.count = 3 }
        for index in 1...5 { try fixture.publish(index % 2 == 0 ? "even" : "odd", "\(index)") }
        #expect(fixture.texts("**") == ["3", "4", "5"])
        #expect(fixture.texts("even") == ["4"])
        #expect(fixture.log.statistics.messages == 3)
        // A process counts what it dropped itself.
        #expect(kind == .restarted || fixture.log.statistics.droppedByRetention == 2)
    }

    @Test(arguments: LogKind.allCases) func theOldestThatIsLeftIsKnown(_ kind: LogKind) throws {
        let fixture = LogFixture(kind) { $0.retention.count = 4 }
        for index in 1...9 { try fixture.publish(index % 3 == 0 ? "third" : "other", "\(index)") }
        fixture.enforceRetention()
        #expect(fixture.texts("**") == ["6", "7", "8", "9"])
        #expect(fixture.snapshot("third")?.earliest == 6 && fixture.snapshot("other")?.earliest == 7)
    }

    @Test(arguments: LogKind.allCases) func ageDropsWithTheSweep(_ kind: LogKind) throws {
        let fixture = LogFixture(kind) { $0.retention.ageMicroseconds = 1_000_000 }
        try fixture.publish("a", "old")
        fixture.now += 600_000
        try fixture.publish("a", "young")
        fixture.now += 600_000
        fixture.enforceRetention()
        #expect(fixture.texts("a") == ["young"])
    }

    @Test(arguments: [LogKind.memory, .disk, .cold]) func boundsMayChangeWhileItIsOpen(_ kind: LogKind) throws {
        let fixture = LogFixture(kind) { $0.retention.count = 5 }
        for index in 1...9 { try fixture.publish("a", "\(index)") }
        #expect(fixture.texts("a") == ["5", "6", "7", "8", "9"])
        fixture.log.setRetention(RetentionPolicy(bytes: 256 << 20, count: 2))
        fixture.enforceRetention()
        #expect(fixture.texts("a") == ["8", "9"])
        fixture.log.setRetention(RetentionPolicy(ageMicroseconds: 1_000_000, bytes: 256 << 20, count: 4))
        for index in 10...15 { try fixture.publish("a", "\(index)") }
        #expect(fixture.texts("a") == ["12", "13", "14", "15"])
        fixture.now += 2_000_000
        fixture.enforceRetention()
        #expect(fixture.texts("a") == [])
    }

    @Test func memoryGrowsWithItsBound() throws {
        let fixture = LogFixture(.memory) { $0.retention.bytes = 16 << 20 }
        let text = String(repeating: "x", count: 100_000)
        for index in 0..<300 { try fixture.publish("a", "\(index) \(text)") }
        let before = fixture.log.statistics.messages
        #expect(before > 100 && before < 168)
        fixture.log.setRetention(RetentionPolicy(bytes: 128 << 20))
        for index in 300..<1500 { try fixture.publish("a", "\(index) \(text)") }
        let after = fixture.log.statistics.messages
        #expect(after > 1100 && after < 1343)
        // Nothing of what was there is mistaken for anything else.
        let numbers = fixture.texts("a").map { Int($0.prefix { $0 != " " }) }
        #expect(numbers.count > 1 && numbers == (1500 - after..<1500 - after + numbers.count).map { $0 })
        fixture.log.setRetention(RetentionPolicy(bytes: 16 << 20))
        fixture.enforceRetention()
        #expect(fixture.log.statistics.messages < 168, "without an append")
        for index in 0..<4 { try fixture.publish("a", "\(index) \(text)") }
        #expect(fixture.log.statistics.messages < 168)
    }

    @Test func segmentsKeepTheirSizeWhileALogIsOpen() {
        let small = RetentionPolicy(bytes: 32 << 20)
        var memory = MemoryLog.Configuration()
        #expect(memory.allows(small) && !memory.allows(RetentionPolicy(bytes: 8 << 20)))
        memory.retention = RetentionPolicy(bytes: 8 << 20)
        #expect(!memory.allows(small) && memory.allows(RetentionPolicy(bytes: 8 << 20, count: 1)))
    }

    @Test func bytesBoundTheMemory() throws {
        let fixture = LogFixture(.memory) { $0.retention.bytes = 1 << 20 }
        let text = String(repeating: "x", count: 1000)
        for _ in 0..<5000 { try fixture.publish("a", text) }
        let statistics = fixture.log.statistics
        #expect(statistics.reservedBytes <= (1 << 20) + 2 * (64 << 10))
        #expect(statistics.messages > 500, "most of the bound is used: \(statistics.messages)")
        let texts = try fixture.read("a").texts
        #expect(texts.count == statistics.messages)
    }

    @Test func noSingleAppendDropsAWholeSegment() throws {
        let fixture = LogFixture(.memory) { $0.retention.bytes = 1 << 20 }
        let text = String(repeating: "x", count: 200)
        var most: UInt64 = 0
        var before: UInt64 = 0
        for _ in 0..<20_000 {
            try fixture.publish("a", text)
            let dropped = fixture.log.statistics.droppedByRetention
            most = max(most, dropped - before)
            before = dropped
        }
        #expect(before > 10_000 && most <= 8, "an append dropped \(most)")
    }

    @Test(arguments: LogKind.allCases) func aTopicsOwnBoundsLeaveOthersAlone(_ kind: LogKind) throws {
        let fixture = LogFixture(kind)
        #expect(try configure(fixture, "a", RetentionPolicy(count: 2)))
        for index in 1...4 {
            try fixture.publish("a", "a\(index)")
            try fixture.publish("b", "b\(index)")
        }
        #expect(fixture.texts("a") == ["a3", "a4"])
        #expect(fixture.texts("**") == ["b1", "b2", "a3", "b3", "a4", "b4"])
        #expect(fixture.texts("b").count == 4)
        #expect(try !configure(fixture, "a", RetentionPolicy(count: 1)))
        #expect(fixture.texts("a") == ["a4"])
    }

    @Test(arguments: LogKind.allCases) func aTopicsAgeAndBytes(_ kind: LogKind) throws {
        let fixture = LogFixture(kind)
        _ = try configure(fixture, "aged", RetentionPolicy(ageMicroseconds: 1000))
        _ = try configure(fixture, "sized", RetentionPolicy(bytes: 3 * (LogFixture.frameBytes + 1)))
        for index in 1...5 {
            try fixture.publish("aged", "\(index)")
            try fixture.publish("sized", "\(index)")
        }
        #expect(fixture.texts("sized") == ["3", "4", "5"])
        fixture.now += 1001
        fixture.enforceRetention()
        #expect(fixture.texts("aged") == [])
        #expect(fixture.snapshot("aged")?.messages == 0, "settings keep an empty topic")
    }

    @Test(arguments: LogKind.allCases) func aPositionWhoseMessagesAreLostIsGone(_ kind: LogKind) throws {
        let fixture = LogFixture(kind) { $0.retention.count = 2 }
        for index in 1...5 { try fixture.publish("a", "\(index)") }
        #expect(throws: ReadError.gone(earliest: 3)) { try fixture.read("a", .after(1)) }
        #expect(throws: ReadError.gone(earliest: 3)) { try fixture.read("**", .after(1)) }
        #expect(fixture.texts("a", .after(3)) == ["4", "5"])
        let (texts, outcome) = try fixture.read("a", .after(1), skipsGaps: true)
        #expect(texts == ["4", "5"] && outcome.lostThrough == 3)
        #expect(fixture.texts("a", .earliest) == ["4", "5"], "from the earliest nothing is missed")
    }

    @Test(arguments: LogKind.allCases) func aQuietTopicsPositionOutlivesABusyNeighbour(_ kind: LogKind) throws {
        let fixture = LogFixture(kind) { $0.retention.count = 3 }
        _ = try configure(fixture, "quiet", RetentionPolicy())
        for index in 1...50 { try fixture.publish("busy", "\(index)") }
        #expect(try fixture.read("quiet", .after(1)).outcome.next == 1, "none of its messages was lost")
        #expect(throws: ReadError.self) { try fixture.read("quiet,busy", .after(1)) }
    }

    @Test(arguments: LogKind.allCases) func aTopicThatIsGoneStillReportsItsLoss(_ kind: LogKind) throws {
        let fixture = LogFixture(kind) { $0.retention.count = 1 }
        try fixture.publish("a", "1")
        try fixture.publish("a", "2")
        try fixture.publish("b", "3")
        #expect(fixture.snapshot("a") == nil)
        #expect(throws: ReadError.gone(earliest: 2)) { try fixture.read("a", .after(0)) }
        #expect(throws: ReadError.self) { try fixture.read("a.*,c", .after(0)) }
        try fixture.publish("a", "4")
        #expect(throws: ReadError.gone(earliest: 2)) { try fixture.read("a", .after(0)) }
    }

    @Test(arguments: LogKind.allCases) func whatExpiredWasNotLost(_ kind: LogKind) throws {
        let fixture = LogFixture(kind) { $0.retention.count = 1 }
        try fixture.publish("a", "short", ttl: 10)
        fixture.now += 10
        try fixture.publish("a", "kept")
        #expect(fixture.texts("a", .after(0)) == ["kept"])
    }

    @Test(arguments: LogKind.allCases) func deletingATopicDropsItsMessagesOnPurpose(_ kind: LogKind) throws {
        let fixture = LogFixture(kind)
        try fixture.publish("a", "1")
        try fixture.publish("b", "2")
        #expect(fixture.delete("a"))
        #expect(!fixture.delete("a"))
        #expect(fixture.texts("a", .after(0)) == [] && fixture.texts("**") == ["2"])
        try fixture.publish("a", "3")
        #expect(fixture.texts("a", .after(0)) == ["3"] && fixture.snapshot("a")?.messages == 1)
    }

    @Test(arguments: LogKind.allCases) func namesAreHeldNoLongerThanNeeded(_ kind: LogKind) throws {
        let fixture = LogFixture(kind) { $0.retention.count = 1 }
        for index in 0..<500 { try fixture.publish("topic-\(index)", "x") }
        #expect(fixture.log.statistics.internedTopics == 1)
        #expect(try fixture.read("watched", watches: true).outcome.watchedTopic != nil)
        #expect(fixture.log.statistics.internedTopics == 2)
        if let topic = try fixture.read("watched", watches: true).outcome.watchedTopic { fixture.reader.unwatch(topic) }
        #expect(fixture.log.statistics.internedTopics == 1)
    }
}
