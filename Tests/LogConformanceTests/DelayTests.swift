import Testing

@testable import PubSub

/// Messages that are delivered later.
@Suite struct DelayTests {
    @Test(arguments: LogKind.allCases) func aMessageComesWhenItIsDueAndNotBefore(_ kind: LogKind) throws {
        let fixture = LogFixture(kind)
        try fixture.schedule("a", "later", at: fixture.now + 1000)
        try fixture.publish("a", "now")
        fixture.deliverDue()
        #expect(fixture.texts("a") == ["now"])
        fixture.now += 999
        fixture.deliverDue()
        #expect(fixture.texts("a") == ["now"])
        fixture.now += 1
        #expect(fixture.log.nextDueMicroseconds == fixture.now)
        fixture.deliverDue()
        fixture.deliverDue()
        #expect(fixture.texts("a") == ["now", "later"], "once")
        #expect(fixture.texts("a", .after(1)) == ["later"], "its place is behind what came before it")
        #expect(fixture.log.nextDueMicroseconds == .max && fixture.log.statistics.waiting == 0)
    }

    @Test(arguments: LogKind.allCases) func theyComeInTheOrderOfTheirTimes(_ kind: LogKind) throws {
        let fixture = LogFixture(kind)
        for (text, delay) in [("c", 30), ("a", 10), ("d", 40), ("b", 20), ("b2", 20)] {
            try fixture.schedule("t.\(text)", text, at: fixture.now + Int64(delay))
        }
        fixture.now += 35
        fixture.deliverDue()
        #expect(fixture.texts("**") == ["a", "b", "b2", "c"])
        #expect(fixture.log.statistics.waiting == 1)
    }

    @Test(arguments: LogKind.allCases) func whatIsDueAlreadyComesAtOnce(_ kind: LogKind) throws {
        let fixture = LogFixture(kind)
        try fixture.schedule("a", "due", at: fixture.now)
        #expect(fixture.texts("a") == ["due"])
    }

    @Test(arguments: LogKind.allCases) func aRepeatedKeyIsScheduledOnce(_ kind: LogKind) throws {
        let fixture = LogFixture(kind)
        let first = try fixture.schedule("a", "x", at: fixture.now + 1000, key: "k")
        let again = try fixture.schedule("a", "x", at: fixture.now + 9000, key: "k")
        #expect(again == (first.number, true) && !first.isDuplicate)
        fixture.now += 10_000
        fixture.deliverDue()
        #expect(fixture.texts("a") == ["x"])
        #expect(try fixture.schedule("a", "x", at: fixture.now + 1000, key: "k").isDuplicate, "delivered meanwhile")
        let other = try fixture.schedule("a", "y", at: fixture.now + 1000, key: "other")
        #expect(other.number == first.number + 1, "numbers are not given twice")
    }

    @Test(arguments: LogKind.allCases) func deletingATopicTakesBackWhatWaits(_ kind: LogKind) throws {
        let fixture = LogFixture(kind)
        try fixture.schedule("a", "waits", at: fixture.now + 1000)
        try fixture.schedule("b", "stays", at: fixture.now + 1000)
        #expect(fixture.snapshot("a") == nil, "a topic begins with its first message")
        #expect(fixture.delete("a"))
        if kind == .restarted { fixture.restart() }
        fixture.now += 1000
        fixture.deliverDue()
        #expect(fixture.texts("**") == ["stays"])
    }

    @Test(arguments: LogKind.allCases) func timeToLiveBeginsWithTheDelivery(_ kind: LogKind) throws {
        let fixture = LogFixture(kind)
        try fixture.schedule("a", "short", at: fixture.now + 5000, ttl: 1000)
        fixture.now += 5000
        fixture.deliverDue()
        #expect(fixture.texts("a") == ["short"])
        fixture.now += 1000
        #expect(fixture.texts("a") == [])
    }

    @Test(arguments: LogKind.allCases) func asManyWaitAsMay(_ kind: LogKind) throws {
        let fixture = LogFixture(kind) { $0.maximumScheduled = 2 }
        try fixture.schedule("a", "1", at: fixture.now + 10)
        try fixture.schedule("a", "2", at: fixture.now + 10)
        #expect(throws: LogError.scheduleFull) { try fixture.schedule("a", "3", at: fixture.now + 10) }
        try fixture.publish("a", "now")
        fixture.now += 10
        fixture.deliverDue()
        try fixture.schedule("a", "3", at: fixture.now + 10)
        #expect(fixture.texts("a") == ["now", "1", "2"])
    }

    @Test(arguments: LogKind.allCases) func watchersAreToldOfTheDelivery(_ kind: LogKind) throws {
        let fixture = LogFixture(kind)
        _ = try fixture.read("a", watches: true)
        _ = fixture.log.deliverDue(nowMicroseconds: fixture.now)
        guard kind != .restarted else { return }
        try fixture.schedule("a", "x", at: fixture.now + 10)
        #expect(fixture.news() == [])
        fixture.now += 10
        fixture.deliverDue()
        #expect(fixture.news() == ["a"])
    }

    @Test(arguments: LogKind.allCases) func retentionDoesNotTakeWhatWaits(_ kind: LogKind) throws {
        let fixture = LogFixture(kind) { $0.retention.count = 3 }
        try fixture.schedule("a", "waits", at: fixture.now + 1000)
        for number in 0..<40 { try fixture.publish("b", "\(number) " + String(repeating: "x", count: 1000)) }
        fixture.enforceRetention()
        fixture.enforceRetention()
        fixture.restart()
        fixture.now += 1000
        fixture.deliverDue()
        #expect(fixture.texts("a") == ["waits"])
    }
}
