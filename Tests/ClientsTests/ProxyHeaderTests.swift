import Testing

@testable import Clients

@Suite struct ProxyHeaderTests {
    private static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]

    private static func binary(_ command: UInt8, _ family: UInt8, _ payload: [UInt8], length: Int? = nil) -> [UInt8] {
        let length = length ?? payload.count
        return signature + [command, family, UInt8(length >> 8), UInt8(length & 0xFF)] + payload
    }

    private static let ipv4: [UInt8] = [192, 0, 2, 1, 198, 51, 100, 1, 0x30, 0x39, 0x01, 0xBB]
    private static let ipv6: [UInt8] =
        [0x20, 1, 0xD, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1] + [UInt8](repeating: 0xAA, count: 16) + [1, 2, 3, 4]
    /// ALPN `h2`, a checksum's place, no operation.
    private static let extensions: [UInt8] = [1, 0, 2, 0x68, 0x32, 3, 0, 4, 0, 0, 0, 0, 4, 0, 0]

    private func parse(_ bytes: [UInt8]) throws(ProxyHeaderError) -> ProxyHeader.Outcome {
        var header = ProxyHeader()
        return try header.parse(bytes.span)
    }

    private static let good: [([UInt8], String?)] = [
        (Array("PROXY TCP4 192.0.2.1 198.51.100.1 12345 443\r\n".utf8), "192.0.2.1"),
        (Array("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n".utf8), "255.255.255.255"),
        (Array("PROXY TCP6 2001:db8::1 2001:db8::2 0 1\r\n".utf8), "2001:db8::1"),
        (
            Array(
                "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"
                    .utf8), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
        ),
        (Array("PROXY UNKNOWN\r\n".utf8), nil),
        (
            Array(
                "PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"
                    .utf8), nil
        ),
        (binary(0x21, 0x11, ipv4), "192.0.2.1"), (binary(0x21, 0x12, ipv4), "192.0.2.1"),
        (binary(0x21, 0x11, ipv4 + extensions), "192.0.2.1"), (binary(0x21, 0x21, ipv6), "2001:db8::1"),
        (binary(0x21, 0x21, ipv6 + extensions), "2001:db8::1"), (binary(0x20, 0x00, []), nil),
        (binary(0x20, 0x11, ipv4), nil), (binary(0x20, 0xFF, []), nil), (binary(0x21, 0x00, []), nil),
        (binary(0x21, 0x00, extensions), nil), (binary(0x21, 0x31, [UInt8](repeating: 0x2F, count: 216)), nil),
        (binary(0x21, 0x11, ipv4 + [UInt8](repeating: 0, count: 4084)), "192.0.2.1"),
    ]

    @Test("a header says whom the balancer speaks for, and where the client's own bytes begin", arguments: good)
    func reads(header: [UInt8], source: String?) throws {
        let outcome = ProxyHeader.Outcome.header(source: source.flatMap(address), byteCount: header.count)
        #expect(try parse(header) == outcome)
        // What follows is the client's and says nothing, not even another header.
        for behind in [Array("GET / HTTP/1.1\r\n".utf8), header] { #expect(try parse(header + behind) == outcome) }
    }

    @Test("a header that is cut off anywhere needs more, and is read as if it had come at once", arguments: good)
    func readsInPieces(header: [UInt8], source: String?) throws {
        var reader = ProxyHeader()
        for count in 0..<header.count {
            #expect(try parse(Array(header[..<count])) == .needsMore)
            #expect(try reader.parse(header.span.extracting(0..<count)) == .needsMore)
        }
        #expect(
            try reader.parse(header.span) == .header(source: source.flatMap(address), byteCount: header.count))
    }

    @Test(
        "a line that is none is refused",
        arguments: [
            ("GET / HTTP/1.1\r\n", .noHeader), ("PROXz", .noHeader), ("proxy TCP4", .noHeader),
            ("\r\n\r\nG", .noHeader),
            ("PROXY\r\n", .noHeader), ("PROXY \r\n", .unsupportedFamily),
            ("PROXY TCP5 1.1.1.1 1.1.1.1 1 1\r\n", .unsupportedFamily),
            ("PROXY UNKNOWNS\r\n", .unsupportedFamily), ("PROXY TCP4 1.1.1.1 1.1.1.1 1 1\n", .malformed),
            ("PROXY  TCP4 1.1.1.1 1.1.1.1 1 1\r\n", .unsupportedFamily), ("PROXY TCP4\r\n", .malformed),
            ("PROXY TCP4 1.1.1.1 1.1.1.1 1\r\n", .malformed), ("PROXY TCP4 1.1.1.1 1.1.1.1 1 1 \r\n", .malformed),
            ("PROXY TCP4 1.1.1.1 1.1.1.1 1 1 1\r\n", .malformed), ("PROXY TCP4 1.1.1.1  1.1.1.1 1 1\r\n", .malformed),
            ("PROXY TCP4 ::1 ::1 1 1\r\n", .malformed), ("PROXY TCP6 1.1.1.1 1.1.1.1 1 1\r\n", .malformed),
            ("PROXY TCP4 1.1.1.1 1.1.1.1 1 65536\r\n", .malformed), ("PROXY TCP4 1.1.1.1 1.1.1.1 01 1\r\n", .malformed),
            ("PROXY TCP4 1.1.1.01 1.1.1.1 1 1\r\n", .malformed), ("PROXY TCP4 1.1.1.1 1.1.1.1 -1 1\r\n", .malformed),
            ("PROXY TCP4 1.1.1.1 1.1.1.1 1 \r\n", .malformed),
        ] as [(String, ProxyHeaderError)])
    func refusesLines(line: String, error: ProxyHeaderError) {
        #expect(throws: error) { try parse(Array(line.utf8)) }
        #expect(!error.description.isEmpty)
    }

    @Test("a line is at most 107 bytes, and its end is not waited for any longer")
    func boundsLines() throws {
        let line = Array("PROXY UNKNOWN ".utf8)
        let longest = line + [UInt8](repeating: 0x78, count: 105 - line.count) + [0x0D, 0x0A]
        #expect(try parse(longest) == .header(source: nil, byteCount: 107))
        let longer = line + [UInt8](repeating: 0x78, count: 106 - line.count) + [0x0D, 0x0A]
        #expect(throws: ProxyHeaderError.tooLong) { try parse(longer) }
        #expect(throws: ProxyHeaderError.tooLong) { try parse(Array(longer[..<107])) }
        #expect(try parse(Array(longer[..<106])) == .needsMore)
    }

    @Test(
        "version 2 is refused as soon as it is wrong",
        arguments: [
            (Array(signature[..<11]) + [0x0B], .noHeader), (signature + [0x11], .unsupportedVersion),
            (signature + [0x31], .unsupportedVersion), (signature + [0x22], .unsupportedCommand),
            (signature + [0x21, 0x41], .unsupportedFamily), (signature + [0x21, 0x13], .unsupportedFamily),
            (binary(0x21, 0x11, [], length: 11), .malformed), (binary(0x21, 0x11, [], length: 0), .malformed),
            (binary(0x21, 0x21, [], length: 35), .malformed), (binary(0x21, 0x31, [], length: 215), .malformed),
            (binary(0x21, 0x11, [], length: 4097), .tooLong), (binary(0x21, 0x11, [], length: 65_535), .tooLong),
            (binary(0x20, 0x00, [], length: 4097), .tooLong),
        ] as [([UInt8], ProxyHeaderError)])
    func refusesBinary(header: [UInt8], error: ProxyHeaderError) { #expect(throws: error) { try parse(header) } }
}
