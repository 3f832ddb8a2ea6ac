import Testing

@testable import PubSub
@testable import SegmentLog
@testable import SimulatedStorage

/// A segment that was closed has no torn tail: what cannot be read of it was acknowledged once, and is told.
@Suite struct ClosedSegmentTests {
    private static let name = "00000000000000000001-0000.segment"

    /// What rots of a closed segment's index, by what is left to know of its end.
    enum Rot: CaseIterable {
        /// A table; the trailer says where records end, and the last number.
        case table
        /// The trailer's checksum, or its magic; its sections fill the file still.
        case checksum, magic
        /// A count in the trailer; its magic shows that there was one.
        case count
        /// Too much of it for anything to be known.
        case trailer

        static let closed: [Rot] = [.table, .checksum, .magic, .count]
        var knowsLast: Bool { self == .table }
    }

    /// Four messages in one closed segment, the last two of one append.
    private func closed() throws -> DiskFixture {
        let fixture = try DiskFixture()
        for text in ["one", "two"] { try fixture.publish("a", text) }
        try fixture.stage("a", ["three", "four"])
        fixture.write()
        fixture.stop()
        return fixture
    }

    private func spoil(_ fixture: DiskFixture, _ rot: Rot) throws {
        let bytes = try #require(fixture.storage.bytes(of: Self.name))
        let trailer = bytes.count - SealedSegment.trailerBytes
        let dataEnd = Int(bytes[trailer + 64]) | Int(bytes[trailer + 65]) << 8
        let places =
            switch rot {
            case .table: [dataEnd + 12]
            case .checksum: [trailer + 124]
            case .magic: [trailer]
            case .count: [trailer + 80]
            case .trailer: [trailer, trailer + 80]
            }
        for place in places { fixture.storage.flip(Self.name, at: place) }
    }

    @Test(arguments: Rot.closed, ["a", "**"])
    func itsLastMessageIsAGapThoughItsIndexRotsToo(rot: Rot, selection: String) throws {
        let fixture = try closed()
        fixture.damage("four")
        try spoil(fixture, rot)
        try fixture.restart()
        #expect(fixture.report.tornBytes == 0)
        #expect(fixture.report.damage.count == 1 && fixture.report.damage.first?.first == 4)
        let last = try #require(fixture.report.damage.first?.last)
        #expect(last == 4 || !rot.knowsLast)
        #expect(fixture.texts(selection) == ["one", "two", "three"], "of its append the rest is there")
        #expect(throws: ReadError.gone(earliest: last)) { try fixture.read(selection, after: 3) }
        let next = try fixture.publish("a", "five")
        #expect(next == (rot.knowsLast ? 5 : last + 1 + Recovery.skippedSequences))
        try fixture.restart { fixture.stop() }
        let (texts, outcome) = try fixture.read(selection, after: 3, skipsGaps: true)
        #expect(texts == ["five"] && outcome.lostThrough == last, "another start sees the same")
    }

    @Test(arguments: Rot.closed) func aMessageInTheMiddleOfItsLastAppendIsOne(rot: Rot) throws {
        let fixture = try closed()
        fixture.damage("three")
        try spoil(fixture, rot)
        try fixture.restart()
        #expect(fixture.report.tornBytes == 0)
        #expect(fixture.report.damage == [.init(segment: Self.name, first: 3, last: 3)])
        #expect(fixture.texts("a", after: 3) == ["four"])
        #expect(try fixture.publish("a", "five") == 5)
    }

    @Test(arguments: Rot.allCases) func whereOnlyItsIndexRotsNothingIsLost(rot: Rot) throws {
        let fixture = try closed()
        try spoil(fixture, rot)
        try fixture.restart()
        #expect(fixture.report.damage.isEmpty)
        #expect(fixture.texts("a") == ["one", "two", "three", "four"])
        #expect(fixture.texts("**") == ["one", "two", "three", "four"])
        let next = try fixture.publish("a", "five")
        #expect(next == (rot == .trailer ? 5 + Recovery.skippedSequences : 5))
    }

    @Test func whereItMayHaveBeenClosedNoNumberIsGivenAgain() throws {
        let fixture = try closed()
        fixture.damage("four")
        try spoil(fixture, .trailer)
        try fixture.restart()
        #expect(fixture.texts("a") == ["one", "two"])
        #expect(try fixture.publish("a", "five") == 3 + Recovery.skippedSequences)
    }

    /// A start that wrote nothing, in order or not, does not make the next one forget.
    @Test(arguments: [false, true]) func norByAStartAfterOneThatWroteNothing(isKilled: Bool) throws {
        let fixture = try closed()
        fixture.damage("four")
        try spoil(fixture, .trailer)
        try fixture.restart()
        try fixture.restart { isKilled ? fixture.storage.crash() : fixture.stop() }
        #expect(try fixture.publish("a", "five") == 3 + Recovery.skippedSequences)
    }

    @Test(arguments: ["a", "**"]) func aSegmentOfWhichNothingIsLeftIsTold(selection: String) throws {
        let fixture = try DiskFixture()
        try fixture.publish("a", "one")
        fixture.log.endSegment()
        try fixture.publish("a", "two")
        fixture.stop()
        let (file, place) = try #require(fixture.place(of: "two"))
        fixture.storage.flip(file, at: place)
        let inspection = try LogInspection(storage: fixture.storage, path: "simulated")
        try inspection.repair { #expect($0.name == file) }
        try fixture.restart()
        #expect(fixture.texts(selection) == ["one"])
        #expect(throws: ReadError.gone(earliest: 2)) { try fixture.read(selection, after: 1) }
        #expect(try fixture.publish("a", "three") == 3)
    }

    /// Where the trailer tells nothing, the next segment does.
    @Test func aLaterSegmentShowsThatItWasClosed() throws {
        let fixture = try DiskFixture()
        try fixture.publish("a", "one")
        try fixture.stage("a", ["two", "three"])
        fixture.write()
        fixture.log.endSegment()
        try fixture.publish("a", "four")
        fixture.stop()
        fixture.damage("three")
        try spoil(fixture, .trailer)
        try fixture.restart()
        #expect(fixture.report.tornBytes == 0)
        #expect(fixture.report.damage == [.init(segment: Self.name, first: 3, last: 3)])
        #expect(fixture.texts("a") == ["one", "two"])
        #expect(throws: ReadError.gone(earliest: 3)) { try fixture.read("a", after: 2) }
        #expect(fixture.texts("a", after: 3) == ["four"])
        #expect(try fixture.publish("a", "five") == 5)
    }

    /// Segments without a message begin where the next one does.
    @Test func aSegmentWithoutMessagesLosesNone() throws {
        let fixture = try DiskFixture()
        try fixture.publish("a", "one")
        fixture.log.endSegment()
        _ = try fixture.log.delete(Array("b".utf8).span)
        _ = try fixture.log.delete(Array("a".utf8).span)
        fixture.write()
        fixture.log.endSegment()
        try fixture.publish("a", "two")
        fixture.log.endSegment()
        try fixture.publish("a", "three")
        fixture.stop()
        let empty = try #require(fixture.storage.fileNames.first { $0.hasPrefix("00000000000000000002-0000") })
        fixture.storage.flip(empty, at: try #require(fixture.storage.bytes(of: empty)?.count) - 5)
        fixture.storage.flip(empty, at: try #require(fixture.storage.bytes(of: empty)?.count) - 128)
        fixture.storage.flip(empty, at: try #require(fixture.storage.bytes(of: empty)?.count) - 48)
        try fixture.restart()
        #expect(fixture.report.damage.isEmpty)
        #expect(fixture.texts("a") == ["two", "three"])
    }

    @Test(arguments: [nil, Rot.table]) func verifyAndDumpFindWhatIsMissingAtItsEnd(rot: Rot?) throws {
        let fixture = try closed()
        fixture.damage("four")
        if let rot { try spoil(fixture, rot) }
        let inspection = try LogInspection(storage: fixture.storage, path: "simulated")
        try inspection.verify { report in
            #expect(!report.isGood && report.damagedBytes > 0 && report.tornBytes == 0)
            #expect(report.messages == 3)
        }
        #expect(try inspection.dump { _, _ in } == 1)
        try inspection.repair { _ in }
        try inspection.verify { report in
            #expect(report.isGood && report.hasIndex && report.lostMessages == 1)
        }
        try fixture.restart()
        #expect(try fixture.publish("a", "five") == 5)
    }
}
