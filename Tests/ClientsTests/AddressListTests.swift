import Testing

@testable import Clients

@Suite struct AddressListTests {
    @Test(
        "a range begins and ends where its prefix says",
        arguments: [
            (
                "10.0.0.0/8", ["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"],
                ["9.255.255.255", "11.0.0.0", "::a00:1"]
            ),
            ("192.0.2.1", ["192.0.2.1"], ["192.0.2.0", "192.0.2.2"]),
            ("192.0.2.1/32", ["192.0.2.1"], ["192.0.2.0", "192.0.2.2"]),
            ("192.0.2.2/31", ["192.0.2.2", "192.0.2.3"], ["192.0.2.1", "192.0.2.4"]),
            ("0.0.0.0/0", ["0.0.0.0", "255.255.255.255"], ["::", "2001:db8::1"]),
            ("::/0", ["::", "2001:db8::1", "ffff:ffff::"], ["192.0.2.1"]),
            ("::ffff:0:0/96", ["192.0.2.1"], ["::1"]),
            ("2001:db8::/63", ["2001:db8:0:1:ffff::"], ["2001:db8:0:2::"]),
            ("2001:db8::/64", ["2001:db8::ffff:0:0:1"], ["2001:db8:0:1::"]),
            ("2001:db8::/65", ["2001:db8::7fff:0:0:1"], ["2001:db8::8000:0:0:0"]),
            ("2001:db8::1/128", ["2001:db8::1"], ["2001:db8::", "2001:db8::2"]),
        ])
    func contains(written: String, inside: [String], outside: [String]) throws {
        let range = try range(written)
        for text in inside { #expect(range.contains(try #require(address(text))), "\(text) in \(written)") }
        for text in outside { #expect(!range.contains(try #require(address(text))), "\(text) in \(written)") }
    }

    @Test(
        "what is no range is refused in words",
        arguments: [
            ("", .notAnAddress), ("10.0.0/8", .notAnAddress), ("10.0.0.0/", .notAPrefix), ("10.0.0.0/33", .notAPrefix),
            ("10.0.0.0/08", .notAPrefix), ("10.0.0.0/-1", .notAPrefix), ("10.0.0.0/8/8", .notAPrefix),
            ("::/129", .notAPrefix), ("::/1000", .notAPrefix), ("10.0.0.1/8", .bitsBeyondPrefix),
            ("2001:db8::1/64", .bitsBeyondPrefix),
        ] as [(String, AddressError)])
    func refuses(text: String, error: AddressError) {
        #expect(throws: error) { try range(text) }
        #expect(!error.description.isEmpty)
    }

    @Test("a list contains what one of its ranges does")
    func lists() throws {
        let trusted = try list(" 10.0.0.0/8 ,192.0.2.1,\t2001:db8::/32")
        #expect(trusted.ranges.count == 3)
        for text in ["10.9.9.9", "192.0.2.1", "2001:db8::5"] { #expect(trusted.contains(try #require(address(text)))) }
        for text in ["11.0.0.0", "192.0.2.2", "2001:db9::"] { #expect(!trusted.contains(try #require(address(text)))) }
        #expect(try list("") == AddressList())
        #expect(try list("  ") == AddressList())
        #expect(throws: AddressError.notAnAddress) { try list("10.0.0.0/8,") }
        #expect(throws: AddressError.notAPrefix) { try list("10.0.0.0/8;10.0.0.1") }
    }

    @Test("a list is bounded")
    func isBounded() throws {
        let most = Array(repeating: "10.0.0.1", count: AddressList.maximumRanges).joined(separator: ",")
        #expect(try list(most).ranges.count == AddressList.maximumRanges)
        #expect(throws: AddressError.tooManyRanges) { try list(most + ",10.0.0.1") }
    }
}
