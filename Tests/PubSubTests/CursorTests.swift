import Arenas
import Testing

@testable import PubSub

@Suite struct CursorTests {
    private func text(_ cursor: Cursor) -> String {
        var buffer = OutputBuffer(capacity: 32)
        cursor.write(to: &buffer)
        return string(buffer.span)
    }

    @Test func roundTrips() {
        for sequence in [0, 1, 31, 32, 1 << 40, UInt64.max] {
            let cursor = Cursor(epoch: Epoch(rawValue: 0x3_1234_5678_9ABC), sequence: sequence)
            let written = text(cursor)
            #expect(written.utf8.count == Cursor.byteCount)
            #expect(Cursor(parsing: Array(written.utf8).span) == cursor)
        }
    }

    @Test func writesTheSameInPlace() {
        var bytes = [UInt8](repeating: 0, count: 30)
        let cursor = Cursor(epoch: .random(), sequence: 123_456_789)
        var span = bytes.mutableSpan
        cursor.write(over: &span, at: 5)
        #expect(String(decoding: bytes[5..<28], as: UTF8.self) == text(cursor))
        #expect(bytes[4] == 0 && bytes[28] == 0)
    }

    @Test func sortsAsItsMessagesDo() {
        let epoch = Epoch.random()
        let texts = [0, 9, 10, 31, 32, 1000, 1 << 33].map { text(Cursor(epoch: epoch, sequence: $0)) }
        #expect(texts == texts.sorted())
    }

    @Test(arguments: [
        "", "0", "0000000000000000000000", "000000000000000000000000", "0000000000000000000000w",
        "0000000000000000000000A", "0000000000g000000000000", "000000000 0000000000000",
    ])
    func refuses(_ text: String) { #expect(Cursor(parsing: Array(text.utf8).span) == nil) }
}

@Suite struct TimestampTests {
    private func text(_ microseconds: Int64) -> String {
        var buffer = OutputBuffer(capacity: 32)
        Timestamp(microseconds: microseconds).write(to: &buffer)
        return string(buffer.span)
    }
    private func parse(_ text: String) -> Int64? { Timestamp(parsing: Array(text.utf8).span)?.microseconds }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000000Z"), (1_795_406_700_123_456, "2026-11-23T04:05:00.123456Z"),
        (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"), (-1, "1969-12-31T23:59:59.999999Z"),
        (4_107_542_399_999_999, "2100-02-28T23:59:59.999999Z"),
    ])
    func known(_ microseconds: Int64, _ expected: String) {
        #expect(text(microseconds) == expected)
        #expect(parse(expected) == microseconds)
    }

    @Test(arguments: [
        ("2026-11-23T04:05:00Z", 1_795_406_700_000_000), ("2026-11-23t04:05:00.5z", 1_795_406_700_500_000),
        ("2026-11-23T05:05:00+01:00", 1_795_406_700_000_000),
        ("2026-11-23T03:35:00.123456789-00:30", 1_795_406_700_123_456),
    ])
    func otherForms(_ text: String, _ expected: Int64) { #expect(parse(text) == expected) }

    @Test(arguments: [
        "", "2026-11-23", "2026-11-23T04:05:00", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z", "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00.1234567890Z", "2026-01-01T00:00:00+1:00",
        "2026-01-01T00:00:00Zx", "2026-01-00T00:00:00Z", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00+24:00",
    ])
    func refuses(_ text: String) { #expect(parse(text) == nil) }

    @Test func everyDayOfFourCenturiesRoundTrips() {
        for day in Int64(-150_000)..<150_000 where day % 7 == 0 || abs(day) < 2000 {
            #expect(parse(text(day * 86_400_000_000)) == day * 86_400_000_000)
        }
    }
}
