import Testing

@testable import PubSub
@testable import SegmentLog
@testable import SimulatedStorage

/// What rots on disk is never served, and never passed over in silence.
@Suite struct DamageTests {
    private func rotten() throws -> DiskFixture {
        let fixture = try DiskFixture()
        for text in ["one", "two", "three", "four"] { try fixture.publish(text == "four" ? "other" : "a", text) }
        fixture.log.endSegment()
        fixture.damage("two")
        return fixture
    }

    @Test(arguments: ["a", "**"]) func aDamagedMessageIsAGap(selection: String) throws {
        let fixture = try rotten()
        #expect(fixture.texts(selection).first == "one", "what stands before it is read")
        #expect(try fixture.read(selection).texts == ["one"])
        #expect(throws: ReadError.gone(earliest: 2)) { try fixture.read(selection, after: 1) }
        let (texts, outcome) = try fixture.read(selection, after: 1, skipsGaps: true)
        #expect(texts.first == "three" && outcome.lostThrough == 2)
        #expect(fixture.texts(selection, after: 2).first == "three")
    }

    @Test(arguments: ["a", "**"]) func itIsOneStillWhenTheIndexIsMadeAnew(selection: String) throws {
        let fixture = try rotten()
        fixture.stop()
        let inspection = try LogInspection(storage: fixture.storage, path: "simulated")
        var good: [Bool] = []
        try inspection.verify { good.append($0.isGood) }
        #expect(good == [false])
        var mended = 0
        try inspection.repair { _ in mended += 1 }
        #expect(mended == 1)
        var lost: UInt64 = 0
        try inspection.verify { report in
            #expect(report.isGood)
            lost += report.lostMessages
        }
        #expect(lost == 1)
        try fixture.restart()
        #expect(fixture.report.damage.count == 1)
        #expect(throws: ReadError.gone(earliest: 2)) { try fixture.read(selection, after: 1) }
        #expect(try fixture.read(selection, after: 1, skipsGaps: true).texts.first == "three")
        #expect(fixture.texts("other") == ["gone"], "it may have been this topic's")
    }

    @Test func dumpShowsTheRest() throws {
        let fixture = try rotten()
        fixture.stop()
        var count = 0
        let damaged = try LogInspection(storage: fixture.storage, path: "simulated").dump { _, _ in count += 1 }
        #expect(count == 3 && damaged == 1)
    }

    @Test func damageBeforeALaterCommitIsToldFromATornTail() throws {
        let fixture = try DiskFixture()
        for text in ["one", "two", "three"] { try fixture.publish("a", text) }
        fixture.damage("two")
        try fixture.restart { fixture.storage.kill() }
        #expect(fixture.report.tornBytes == 0)
        #expect(fixture.report.damage == [.init(segment: "00000000000000000001-0000.segment", first: 2, last: 2)])
        #expect(fixture.texts("**", after: 2) == ["three"])
    }

    @Test func aTornTailIsCutOffAndToldOf() throws {
        let fixture = try DiskFixture()
        try fixture.publish("a", "one")
        try fixture.stage("a", ["two", "three"])
        fixture.write()
        fixture.damage("three")
        try fixture.restart { fixture.storage.kill() }
        #expect(fixture.report.tornBytes > 0 && fixture.report.damage.isEmpty)
        #expect(fixture.texts("a") == ["one"], "an append is there whole or not at all")
        #expect(try fixture.publish("a", "again") == 2)
        try fixture.restart { fixture.storage.kill() }
        #expect(fixture.texts("a") == ["one", "again"])
    }

    @Test func anIndexThatRotsIsMadeAnew() throws {
        let fixture = try DiskFixture()
        for text in ["one", "two"] { try fixture.publish("a", text) }
        fixture.stop()
        let name = "00000000000000000001-0000.segment"
        let size = try #require(fixture.storage.bytes(of: name)?.count)
        fixture.storage.flip(name, at: size - 5)
        try fixture.restart()
        #expect(fixture.texts("a") == ["one", "two"] && fixture.texts("**") == ["one", "two"])
    }

    @Test func whatAClientWroteIsNeverTakenForARecord() throws {
        let fixture = try DiskFixture()
        // A whole segment's worth of another log, as a message.
        let other = try DiskFixture()
        try other.publish("a", "forged")
        let bytes = try #require(other.storage.bytes(of: "00000000000000000001-0000.segment"))
        try fixture.publish("a", "one")
        try fixture.publish("a", "before" + String(decoding: bytes[64..<200].filter { $0 < 128 }, as: UTF8.self))
        try fixture.publish("a", "three")
        fixture.damage("before")
        try fixture.restart { fixture.storage.kill() }
        #expect(fixture.texts("**", after: 2) == ["three"])
    }
}
