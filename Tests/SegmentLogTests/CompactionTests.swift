import Testing

@testable import PubSub
@testable import SegmentLog
@testable import SimulatedStorage

/// Segments that are written anew without what was dropped of them.
struct CompactionTests {
    /// A quiet topic's message among those of a noisy one that keeps one only, in segments that are worth a write.
    private func makeFixture() throws -> DiskFixture {
        let fixture = try DiskFixture { $0.smallSegmentBytes = 128 << 10 }
        _ = try fixture.log.configure(
            Array("noisy".utf8).span, retention: RetentionPolicy(ageMicroseconds: nil, bytes: nil, count: 1),
            nowMicroseconds: fixture.now)
        try fixture.publish("quiet", "stays")
        for number in 1...300 { try fixture.publish("noisy", "\(number) " + String(repeating: "x", count: 1000)) }
        return fixture
    }

    private func compact(_ fixture: DiskFixture) {
        for _ in 0..<10 { fixture.tidy() }
    }

    /// From here on nothing would be dropped again.
    private func keepAll(_ fixture: DiskFixture) throws {
        _ = try fixture.log.configure(
            Array("noisy".utf8).span, retention: RetentionPolicy(ageMicroseconds: nil, bytes: nil, count: 1000),
            nowMicroseconds: fixture.now)
        fixture.write()
    }

    @Test func whatIsDroppedGivesItsRoomBack() throws {
        let fixture = try makeFixture()
        compact(fixture)
        #expect(fixture.log.statistics.storage?.segmentsCompacted == 2)
        let fileBytes = fixture.log.state.withLock { $0.catalog.segments.reduce(0) { $0 + $1.fileBytes } }
        #expect(fileBytes < 8 << 10)
        try fixture.restart(fixture.stop)
        #expect(fixture.texts("quiet") == ["stays"])
        #expect(try fixture.read("noisy", skipsGaps: true).texts.map { $0.prefix(4) } == ["300 "])
    }

    /// What was dropped may be there again after a start, but not some of it behind a hole.
    @Test func aStartFindsNoHoles() throws {
        let fixture = try makeFixture()
        compact(fixture)
        try keepAll(fixture)
        try fixture.restart { fixture.storage.crash() }
        let numbers = try fixture.read("noisy", skipsGaps: true).texts.map { Int($0.prefix { $0 != " " })! }
        #expect(numbers == Array(try #require(numbers.first)...300))
        #expect(try fixture.read("**", skipsGaps: true).texts.count == numbers.count + 1)
    }

    @Test(arguments: ["noisy", "**", "no*"]) func aReaderOfWhatIsGoneIsToldAfterAStart(_ selection: String) throws {
        let fixture = try makeFixture()
        compact(fixture)
        try keepAll(fixture)
        try fixture.restart { fixture.storage.crash() }
        for position in [UInt64(2), 100, 200] {
            #expect(throws: ReadError.self) { try fixture.read(selection, after: position) }
        }
    }

    @Test func theNextSequenceNumberIsNotGivenTwice() throws {
        let fixture = try makeFixture()
        let last = try fixture.publish("noisy", "last")
        compact(fixture)
        try fixture.restart { fixture.storage.crash() }
        #expect(try fixture.publish("noisy", "next") > last)
    }

    /// Segments that are dead as a whole wait for their idempotency keys to be of no more use; they are not written anew
    /// without them.
    @Test func keysOfWhatMadeRoomAreStillKnownAfterAStart() throws {
        let fixture = try DiskFixture {
            $0.smallSegmentBytes = 128 << 10
            $0.retention.count = 50
        }
        let text = String(repeating: "x", count: 1000)
        for number in 1...500 { try fixture.publish("noisy", key: number, text) }
        compact(fixture)
        let dead = fixture.log.state.withLock { state in
            state.catalog.segments.prefix { $0.lastSequence < state.log.earliestSequence }
        }
        let key = Int(try #require(dead.first).firstSequence) + 1
        try fixture.restart { fixture.storage.crash() }
        #expect(try fixture.publish("noisy", key: key, "x") == (UInt64(key), isDuplicate: true))
    }
}

extension DiskFixture {
    @discardableResult
    fileprivate func publish(_ topic: String, key: Int, _ text: String) throws -> (sequence: UInt64, isDuplicate: Bool)
    {
        var bytes: [UInt8] = []
        let list = Drafts(1)
        let hash = IdempotencyHash(high: 1, low: UInt64(key))
        list.add(try log.intern(Array(topic.utf8).span), topic: topic, text, to: &bytes, key: hash)
        guard list.append(to: log, bytes, now: now) != nil else { throw LogError.failed }
        write()
        return (list.sequences[0], list.isDuplicate(0))
    }
}
