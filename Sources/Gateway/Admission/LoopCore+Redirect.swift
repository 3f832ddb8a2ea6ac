import HTTP

extension LoopCore {
    /// Sends a client to the same resource where TLS is spoken (RFC 9110, section 15.4.9: the method stays).
    mutating func redirect(_ head: RequestHead, _ bytes: Span<UInt8>) throws(APIProblem) -> Int {
        guard let field = parser.value(named: "host", in: bytes), head.targetForm == .origin else {
            throw APIProblem(400, "malformed_request", "this address only sends clients to https, and wants a Host")
        }
        let host = Self.withoutPort(bytes.extracting(field.range))
        ResponseWriter.begin(308, to: &replies.output)
        replies.output.append("Location: https://")
        replies.output.append(contentsOf: host)
        if shared.securePort != 443 { replies.member(":", Int(shared.securePort)) }
        let end = head.query?.upperBound ?? head.path.upperBound
        replies.output.append(contentsOf: bytes.extracting(head.path.lowerBound..<end))
        replies.output.append("\r\n")
        replies.connection(.closes)
        let mark = ResponseWriter.beginBody(to: &replies.output)
        ResponseWriter.endBody(mark, to: &replies.output)
        closesConnection = true
        return 308
    }

    @_lifetime(copy host)
    private static func withoutPort(_ host: Span<UInt8>) -> Span<UInt8> {
        var end = host.count
        while end > 0, (48...57).contains(host[end - 1]) { end -= 1 }
        guard end > 0, host[end - 1] == UInt8(ascii: ":") else { return host }
        return host.extracting(0..<end - 1)
    }
}
