import Testing

@testable import PubSub
@testable import SegmentLog
@testable import SimulatedStorage

/// When a message counts as stored, and who may see it.
@Suite struct CommitTests {
    @Test func nothingIsReadBeforeItIsOnDisk() throws {
        let fixture = try DiskFixture()
        try fixture.stage("a", ["one"])
        #expect(fixture.texts("a") == [] && fixture.texts("**") == [])
        #expect(fixture.log.lastSequence == 0)
        fixture.write()
        #expect(fixture.texts("a") == ["one"] && fixture.log.lastSequence == 1)
    }

    @Test func oneSynchronizationServesAllThatWaits() throws {
        let fixture = try DiskFixture()
        try fixture.publish("a", "first")
        let before = fixture.storage.synchronizations
        for number in 0..<20 { try fixture.stage("a", ["\(number)"]) }
        fixture.write()
        #expect(fixture.storage.synchronizations == before + 1)
        #expect(fixture.log.settled.rawValue == 21)
    }

    @Test func anIntervalAcknowledgesAtOnce() throws {
        let fixture = try DiskFixture { $0.durability = .interval(milliseconds: 50) }
        try fixture.stage("a", ["one"])
        #expect(fixture.texts("a") == ["one"])
        fixture.write()
        try fixture.restart { fixture.storage.kill() }
        #expect(fixture.texts("a") == ["one"], "the end of the process takes nothing that was written")
    }

    @Test func afterALossNoNumberIsGivenTwice() throws {
        let fixture = try DiskFixture { $0.durability = .memory }
        let first = try fixture.publish("a", "lost")
        try fixture.restart { fixture.storage.crash() }
        let second = try fixture.publish("a", "new")
        #expect(second > first + 1_000_000)
        #expect(fixture.texts("a", after: first).last == "new")
    }

    @Test func aFullDiskRefusesAndRecovers() throws {
        let fixture = try DiskFixture()
        try fixture.publish("a", "one")
        let used = fixture.storage.fileNames.reduce(0) { $0 + (fixture.storage.bytes(of: $1)?.count ?? 0) }
        fixture.storage.capacity = used
        let large = String(repeating: "x", count: 3000)
        for _ in 0..<4 { _ = try? fixture.publish("a", large) }
        #expect(fixture.log.health == .full)
        #expect(throws: LogError.self) { try fixture.stage("a", ["refused"]) }
        #expect(fixture.texts("a").first == "one", "reads go on")
        let stored = fixture.texts("a").count
        fixture.storage.capacity = .max
        fixture.log.probe()
        #expect(fixture.log.health == .good)
        try fixture.publish("a", "more")
        #expect(fixture.texts("a").count == stored + 1)
        try fixture.restart { fixture.storage.crash() }
        #expect(fixture.texts("a").count == stored + 1 && fixture.texts("a").last == "more")
    }

    @Test func aFailedSynchronizationIsNotTriedAgain() throws {
        let fixture = try DiskFixture()
        try fixture.publish("a", "one")
        fixture.storage.fault = { call, _ in call == "fdatasync" ? ErrorNumber.io : nil }
        try fixture.stage("a", ["two"])
        fixture.write()
        #expect(fixture.log.health == .failed)
        #expect(fixture.log.verdict(on: Commit(rawValue: 2)) == .refused(.failed))
        fixture.storage.fault = { _, _ in nil }
        let before = fixture.storage.synchronizations
        fixture.write()
        fixture.tidy()
        #expect(fixture.storage.synchronizations == before)
        #expect(fixture.texts("a") == ["one"], "what was not stored is not shown")
        #expect(throws: LogError.self) { try fixture.stage("a", ["three"]) }
    }

    @Test func aRefusedKeyMayComeAgain() throws {
        let fixture = try DiskFixture()
        fixture.storage.capacity = 100
        func publish() throws -> (Bool, CommitVerdict) {
            let list = Drafts(1)
            var bytes: [UInt8] = []
            list.add(
                try fixture.log.intern(Array("a".utf8).span), topic: "a", "keyed", to: &bytes,
                key: IdempotencyHash(high: 1, low: 2))
            let appended = try #require(list.append(to: fixture.log, bytes, now: fixture.now))
            fixture.write()
            return (list.isDuplicate(0), fixture.log.verdict(on: appended.commit))
        }
        #expect(try publish() == (false, .refused(.full)))
        fixture.storage.capacity = .max
        fixture.log.probe()
        #expect(try publish() == (false, .stored))
        #expect(try publish() == (true, .stored))
        try fixture.restart { fixture.storage.crash() }
        #expect(try publish() == (true, .stored), "keys outlive a crash")
    }

    /// Takes a message in that waits.
    private func schedule(_ fixture: DiskFixture, _ text: String, key: UInt64) throws -> Appended {
        let list = Drafts(1)
        var bytes: [UInt8] = []
        list.add(
            try fixture.log.intern(Array("a".utf8).span), topic: "a", text, to: &bytes,
            key: IdempotencyHash(high: 3, low: key), deliverAt: fixture.now + 1000)
        let appended = try #require(list.append(to: fixture.log, bytes, now: fixture.now))
        fixture.write()
        return appended
    }

    @Test func whatWasToWaitAndWasRefusedWaitsNot() throws {
        let fixture = try DiskFixture()
        fixture.storage.capacity = 100
        let refused = try schedule(fixture, "x", key: 1)
        #expect(fixture.log.verdict(on: refused.commit) == .refused(.full))
        #expect(fixture.log.statistics.waiting == 0)
        fixture.storage.capacity = .max
        fixture.log.probe()
        let stored = try schedule(fixture, "x", key: 1)
        #expect(fixture.log.verdict(on: stored.commit) == .stored && fixture.log.statistics.waiting == 1)
        try fixture.restart { fixture.storage.crash() }
        #expect(fixture.log.statistics.waiting == 1)
    }

    @Test func aDeliveryThatFailsIsTriedAgain() throws {
        let fixture = try DiskFixture()
        _ = try schedule(fixture, "waits", key: 1)
        // The active segment is full, and there is no room for another.
        fixture.log.endSegment()
        fixture.storage.capacity = 0
        fixture.now += 1000
        let failed = fixture.log.deliverDue(nowMicroseconds: fixture.now)
        fixture.write()
        #expect(fixture.log.verdict(on: failed.commit) == .refused(.full))
        #expect(fixture.texts("a") == [] && fixture.log.statistics.waiting == 1)
        #expect(fixture.log.deliverDue(nowMicroseconds: fixture.now).commit == .none, "not while the disk is full")
        fixture.storage.capacity = .max
        fixture.log.probe()
        _ = fixture.log.deliverDue(nowMicroseconds: fixture.now)
        fixture.write()
        #expect(fixture.texts("a") == ["waits"] && fixture.log.statistics.waiting == 0)
        try fixture.restart { fixture.storage.crash() }
        #expect(fixture.texts("a") == ["waits"] && fixture.log.statistics.waiting == 0)
    }
}
