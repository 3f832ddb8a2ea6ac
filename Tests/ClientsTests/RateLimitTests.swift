import Testing

@testable import Clients

@Suite struct RateLimitTests {
    @Test(
        "a rate is a number, a period and perhaps a burst",
        arguments: [
            ("100/s", false, 100, 1, 100), ("6000/m", false, 6000, 60, 6000), ("1/h", false, 1, 3600, 1),
            ("5/d", false, 5, 86_400, 5), ("100/s:500", false, 100, 1, 500), ("10MiB/s", true, 10 << 20, 1, 10 << 20),
            ("1kB/s:1MB", true, 1000, 1, 1_000_000), ("1GiB/h", true, 1 << 30, 3600, 1 << 30), ("5/s", true, 5, 1, 5),
            ("5B/s:2KiB", true, 5, 1, 2048), ("1GB/s", true, 1_000_000_000, 1, 1_000_000_000),
        ] as [(String, Bool, UInt64, UInt64, UInt64)])
    func parses(text: String, inBytes: Bool, tokens: UInt64, period: UInt64, burst: UInt64) throws {
        let limit = try rate(text, inBytes: inBytes)
        #expect([limit.tokens, limit.periodSeconds, limit.burst] == [tokens, period, burst])
    }

    @Test(
        "what is none is refused in words",
        arguments: [
            ("", .notARate), ("/s", .notARate), ("-1/s", .notARate), ("100", .notARate), ("100/", .notARate),
            ("100 /s", .unknownUnit), ("10MiB/s", .unknownUnit), ("100/ms", .unknownPeriod), ("100/S", .unknownPeriod),
            ("100/s:", .notABurst), ("100/s:x", .notABurst), ("100/s:5 ", .notABurst), ("0/s", .zero), ("1/s:0", .zero),
            ("9999999999999999999/s", .tooLarge), ("999999999999999999/s", .tooLarge), ("1/d:1000000000", .tooLarge),
        ] as [(String, RateLimitError)])
    func refuses(text: String, error: RateLimitError) {
        #expect(throws: error) { try rate(text) }
        #expect(!error.description.isEmpty)
    }

    @Test("a unit is spelled as it should be")
    func refusesUnits() {
        for text in ["1Mib/s", "1K/s", "1KB/s", "1MiBs/s", "1b/s"] {
            #expect(throws: RateLimitError.unknownUnit) { try rate(text, inBytes: true) }
        }
        #expect(throws: RateLimitError.tooLarge) { try rate("999999999999GiB/s", inBytes: true) }
    }

    @Test("its policy is what a full bucket holds, and in what time it fills")
    func policies() throws {
        #expect(written { (try? rate("100/s"))?.writePolicy(.requests, to: &$0) } == #""requests";q=100;w=1"#)
        #expect(written { (try? rate("100/s:250"))?.writePolicy(.bytes, to: &$0) } == #""bytes";q=250;w=3"#)
        #expect(written { (try? rate("6000/m"))?.writePolicy(.topics, to: &$0) } == #""topics";q=6000;w=60"#)
    }
}
