import Foundation
import Testing

@testable import Clients

@Suite struct ClientAddressTests {
    @Test("Python's ipaddress says the same of ten thousand texts", .enabled(if: AddressOracle.isThere))
    func agreesWithPython() throws {
        let verdicts = try AddressOracle.verdicts(count: 10_000, seed: 4291)
        #expect(verdicts.count == 10_000)
        #expect(verdicts.count { $0.bytes != nil } > 4_000)
        #expect(verdicts.count { $0.bytes == nil } > 2_000)
        for verdict in verdicts {
            let parsed = address(verdict.text)
            let bytes = parsed.map { String(format: "%016lx%016lx", $0.high, $0.low) }
            if bytes != verdict.bytes {
                Issue.record("\(verdict.text): \(bytes ?? "refused"), Python: \(verdict.bytes ?? "refused")")
            }
            if let parsed, text(parsed) != verdict.canonical {
                Issue.record("\(verdict.text): written \(text(parsed)), Python: \(verdict.canonical)")
            }
        }
    }

    @Test(
        "it is written as RFC 5952 recommends",
        arguments: [
            ("2001:0db8::0001", "2001:db8::1"), ("2001:db8:0:0:0:0:2:1", "2001:db8::2:1"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:DB8:AAAA::AAA", "2001:db8:aaaa::aaa"),
            ("0:0:0:0:0:0:0:0", "::"), ("0:0:0:0:0:0:0:1", "::1"), ("1:0:0:0:0:0:0:0", "1::"),
            ("::ffff:192.0.2.1", "192.0.2.1"), ("::ffff:c000:201", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"),
        ])
    func isCanonical(written: String, expected: String) throws {
        #expect(text(try #require(address(written))) == expected)
    }

    @Test(
        "what is no address is refused",
        arguments: [
            "", ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "::g", ":1:2:3:4:5:6:7:8",
            "1:2:3:4:5:6:7:", "1:2:3:4:5:6:7::8", "fe80::1%eth0", "01.2.3.4", "1.2.3.04", "1.2.3", "1.2.3.4.5",
            "1.2.3.",
            ".1.2.3", "256.1.1.1", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4:80", "[::1]", "::1.2.3.4:1", "1.2.3.4::",
            "::1.2.3.400",
            "1:2:3:4:5:6:7:1.2.3.4", "0x7f.0.0.1", "2130706433", "unknown", "1.2.3.4\0",
        ])
    func refuses(text: String) { #expect(address(text) == nil) }

    @Test("a client is counted by its IPv4 address, or by its IPv6 address' first 64 bits")
    func limitKeys() throws {
        let one = try #require(address("2001:db8:1:2:3:4:5:6"))
        #expect(text(one.limitKey) == "2001:db8:1:2::")
        #expect(one.limitKey == address("2001:db8:1:2:ffff::1")?.limitKey)
        #expect(one.limitKey != address("2001:db8:1:3::")?.limitKey)
        let four = try #require(address("192.0.2.7"))
        #expect(four.limitKey == four && address("::ffff:192.0.2.7") == four)
        #expect(four.limitKey != address("192.0.2.8")?.limitKey)
    }

    @Test(
        "an element of a forwarding header may have a port, brackets and quotes",
        arguments: [
            ("192.0.2.1", "192.0.2.1"), ("192.0.2.1:80", "192.0.2.1"), ("192.0.2.1:65535", "192.0.2.1"),
            ("[2001:db8::1]", "2001:db8::1"), ("[2001:db8::1]:443", "2001:db8::1"), ("2001:db8::1", "2001:db8::1"),
            ("\"[2001:db8::1]:443\"", "2001:db8::1"), ("\"192.0.2.1:80\"", "192.0.2.1"),
        ])
    func readsForwarded(written: String, expected: String) { #expect(forwarded(written) == address(expected)) }

    @Test(
        "and nothing else",
        arguments: [
            "", "unknown", "_hidden", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:080800", "192.0.2.1:a",
            "192.0.2.1:-1",
            "[192.0.2.1]", "[::1", "::1]", "[::1]443", "[::1]:", "[]", "[::1%1]", "\"::1", "\"", "\"\"", "192.0.2.1 ",
            "[::1]:1:1", "host:80",
        ])
    func refusesForwarded(text: String) { #expect(forwarded(text) == nil) }
}
