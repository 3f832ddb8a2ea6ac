import Glibc
import Testing

@testable import Telemetry

@Suite
struct RFC3339TimestampTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1, "1970-01-01T00:00:00.000001Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (1_795_406_700_123_456, "2026-11-23T04:05:00.123456Z"),
        (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
        (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
        (4_107_542_399_999_999, "2100-02-28T23:59:59.999999Z"),
        (-62_167_219_200_000_000, "0000-01-01T00:00:00.000000Z"),
        (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
    ])
    func writesKnownMoments(microseconds: Int64, expected: String) {
        #expect(RFC3339Timestamp(unixMicroseconds: microseconds).description == expected)
    }

    @Test
    func staysWithinFourDigitsOfYear() {
        #expect(RFC3339Timestamp(unixMicroseconds: .min).description == "0000-01-01T00:00:00.000000Z")
        #expect(RFC3339Timestamp(unixMicroseconds: .max).description == "9999-12-31T23:59:59.999999Z")
    }

    @Test
    func agreesWithTheSystemsCalendar() {
        let seed = UInt64.random(in: 1 ... .max)
        print("seed \(seed)")
        var random = XorShift(state: seed)
        for _ in 0..<20_000 {
            let span = UInt64(RFC3339Timestamp.latest - RFC3339Timestamp.earliest)
            let time = RFC3339Timestamp.earliest + Int64(random.next() % span)
            let text = RFC3339Timestamp(unixMicroseconds: time).description
            let expected = calendarText(time)
            if text != expected { Issue.record("\(time): \(text) is not \(expected), seed \(seed)") }
        }
    }

    @Test
    func nowIsBetweenTwoReadingsOfTheClock() {
        let before = clockMicroseconds()
        let now = RFC3339Timestamp.now().unixMicroseconds
        #expect(before <= now && now <= clockMicroseconds())
    }

    // unsafe: `time(nil)` would not do: its clock is coarser and lags behind.
    private func clockMicroseconds() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }

    // unsafe: asks C for the date.
    private func calendarText(_ microseconds: Int64) -> String {
        let inSecond = (microseconds % 1_000_000 + 1_000_000) % 1_000_000
        var seconds = time_t((microseconds - inSecond) / 1_000_000)
        var date = unsafe tm()
        unsafe gmtime_r(&seconds, &date)
        let (year, month, day) = unsafe (date.tm_year + 1900, date.tm_mon + 1, date.tm_mday)
        let (hour, minute, second) = unsafe (date.tm_hour, date.tm_min, date.tm_sec)
        func digits(_ number: some BinaryInteger, _ count: Int) -> String {
            String(repeating: "0", count: count - String(number).count) + String(number)
        }
        return digits(year, 4) + "-" + digits(month, 2) + "-" + digits(day, 2) + "T"
            + digits(hour, 2) + ":" + digits(minute, 2) + ":" + digits(second, 2) + "." + digits(inSecond, 6) + "Z"
    }
}
