import Testing

@testable import Clients

@Suite struct ForwardedForTests {
    /// The client's address by the field lines in the order in which they came.
    private func client(_ peer: String, _ lines: [String], trusted: String = "10.0.0.0/8, 2001:db8:f::/48") throws
        -> String
    {
        let trusted = try list(trusted)
        var forwarded = ForwardedFor(peer: try #require(address(peer)), trusted: trusted)
        for line in lines.reversed() { forwarded.walk(Array(line.utf8).span, trusted: trusted) }
        return text(forwarded.client)
    }

    @Test("a peer that is not trusted is the client, whatever it says")
    func ignoresStrangers() throws {
        #expect(try client("192.0.2.1", ["198.51.100.1"]) == "192.0.2.1")
        #expect(try client("10.0.0.1", ["198.51.100.1"], trusted: "") == "10.0.0.1")
    }

    @Test(
        "from the right, the first that is no trusted proxy is the client",
        arguments: [
            ([], "10.0.0.1"), ([""], "10.0.0.1"), (["198.51.100.1"], "198.51.100.1"),
            (["203.0.113.9, 198.51.100.1"], "198.51.100.1"), (["203.0.113.9,198.51.100.1,10.2.2.2"], "198.51.100.1"),
            (["198.51.100.1:1234, [2001:db8:f::1]:80, 10.0.0.2"], "198.51.100.1"),
            (["203.0.113.9", "198.51.100.1"], "198.51.100.1"),
            (["203.0.113.9, 198.51.100.1", "10.0.0.2", "10.0.0.3"], "198.51.100.1"),
            (["10.0.0.9, 10.0.0.8"], "10.0.0.9"), (["2001:db8::1"], "2001:db8::1"),
            (["198.51.100.1 , , 10.0.0.2,"], "198.51.100.1"), (["\t198.51.100.1\t"], "198.51.100.1"),
        ] as [([String], String)])
    func walks(lines: [String], expected: String) throws { #expect(try client("10.0.0.1", lines) == expected) }

    @Test(
        "an element that is no address ends the walk at the last good one",
        arguments: [
            (["unknown"], "10.0.0.1"), (["198.51.100.1, unknown, 10.0.0.2"], "10.0.0.2"),
            (["198.51.100.1 10.0.0.2"], "10.0.0.1"), (["198.51.100.1", "1.2.3.4.5, 10.0.0.7"], "10.0.0.7"),
        ])
    func ends(lines: [String], expected: String) throws { #expect(try client("10.0.0.1", lines) == expected) }

    @Test("a walk is bounded, over all lines")
    func isBounded() throws {
        let hops = (0..<ForwardedFor.maximumHops).map { "10.0.1.\($0)" }
        #expect(try client("10.0.0.1", ["198.51.100.1"] + hops.dropFirst()) == "198.51.100.1")
        #expect(try client("10.0.0.1", ["198.51.100.1"] + hops) == "10.0.1.0")
        #expect(try client("10.0.0.1", ["198.51.100.1," + hops.joined(separator: ",")]) == "10.0.1.0")
        #expect(try client("10.0.0.1", ["198.51.100.1" + String(repeating: ",", count: 100)]) == "10.0.0.1")
    }
}
