import HTTP

/// What a browser is told of pages from elsewhere (Fetch Standard, section 3.2.2).
extension LoopCore {
    /// The number of the origin that a request names; 0 where it names none or one that is not allowed.
    mutating func origin(of head: RequestHead, _ bytes: Span<UInt8>) -> UInt8 {
        guard let field = parser.value(named: "origin", in: bytes) else { return 0 }
        return shared.crossOrigin.number(of: bytes.extracting(field.range))
    }

    /// Refuses what another site's page has a browser change here, where the browser alone would vouch for it: nothing is
    /// asked of the client, or what is asked it adds of itself.
    mutating func checkOrigin(
        _ head: RequestHead, _ bytes: Span<UInt8>, _ origin: UInt8, isVouchedFor: Bool
    ) throws(APIProblem) {
        guard origin == 0, !isVouchedFor, head.method != .get, head.method != .head,
            let field = parser.value(named: "origin", in: bytes)
        else { return }
        let text = bytes.extracting(field.range)
        guard let host = parser.value(named: "host", in: bytes), isSame(text, bytes.extracting(host.range)) else {
            throw APIProblem(
                403, "origin_not_allowed", "pages of this origin may not use this server (see --cors-origin)")
        }
    }

    /// Whether an origin is the host that the request was sent to.
    private func isSame(_ origin: Span<UInt8>, _ host: Span<UInt8>) -> Bool {
        var start = 0
        while start + 2 < origin.count, !origin.extracting(start..<start + 3).equals("://") { start += 1 }
        guard start + 3 <= origin.count else { return false }
        // Whoever stands in the way of plain HTTP can show any page under this host's name.
        if live.configuration.credentials != nil, !origin.extracting(0..<start).equals("https") { return false }
        let rest = origin.extracting(start + 3..<origin.count)
        guard rest.count == host.count else { return false }
        for index in rest.indices where rest[index] | 0x20 != host[index] | 0x20 { return false }
        return true
    }

    /// Answers a preflight: a browser's question whether a page may send what it is about to.
    /// - Returns: whether the request was one.
    mutating func answerPreflight(
        _ head: RequestHead, _ bytes: Span<UInt8>, _ resource: Resource, _ origin: UInt8
    ) throws(APIProblem) -> Bool {
        guard head.method == .options, parser.value(named: "origin", in: bytes) != nil,
            parser.value(named: "access-control-request-method", in: bytes) != nil
        else { return false }
        guard origin != 0 else {
            throw APIProblem(
                403, "origin_not_allowed", "pages of this origin may not use this server (see --cors-origin)")
        }
        ResponseWriter.begin(204, to: &replies.output)
        replies.requestFields()
        ResponseWriter.field("Access-Control-Allow-Methods", resource.allow, to: &replies.output)
        if let asked = parser.value(named: "access-control-request-headers", in: bytes) {
            // Attributes make header fields of any name; the parser has seen that these hold nothing but a field's value.
            ResponseWriter.field(
                "Access-Control-Allow-Headers", bytes.extracting(asked.range), to: &replies.output)
        }
        ResponseWriter.field("Access-Control-Max-Age", shared.crossOrigin.maximumAgeSeconds, to: &replies.output)
        replies.connection(head.keepsAlive ? .staysOpen : .closes)
        ResponseWriter.endWithoutBody(to: &replies.output)
        return true
    }
}
