import Access
import Arenas
import Clients
import EventLoop
import HTTP

/// How much each client may do.
extension LoopCore {
    // MARK: Connections

    /// Notes who a new connection is from, and counts it.
    mutating func admitConnection(_ id: ConnectionID) {
        clients.reserve(through: Int(id.index)) { ClientConnection() }
        clients[Int(id.index)] = ClientConnection()
        let peer = loop.acceptedAddress
        clients[Int(id.index)].address = ClientAddress(high: peer.high, low: peer.low)
        guard !expectsProxyHeader(id) else { return }
        if !countConnection(id) { refuseConnection(id) }
    }

    private func expectsProxyHeader(_ id: ConnectionID) -> Bool {
        live.configuration.expectsProxyHeader && shared.roles[loop.listener(of: id)] == .clients
    }

    /// - Returns: false where the address has as many as it may. A trusted proxy's own are not counted.
    private mutating func countConnection(_ id: ConnectionID) -> Bool {
        let address = clients[Int(id.index)].address
        clients[Int(id.index)].requestAddress = address
        guard shared.roles[loop.listener(of: id)] != .operators, !live.configuration.trustedProxies.contains(address),
            live.limits.addresses?.limits.connections != nil
        else { return true }
        clients[Int(id.index)].connection = live.limits.addresses?.table.enter(
            RateKey(address), .connection, at: loop.nowNanoseconds)
        return clients[Int(id.index)].connection != nil
    }

    private mutating func refuseConnection(_ id: ConnectionID) {
        metrics.limited[.connections].add(1)
        exchanges[Int(id.index)].phase = .ended
        // Nothing can be said before TLS is agreed on, and that is what is not to be paid for.
        guard live.configuration.credentials == nil else { return loop.abort(id) }
        loop.send(id, Self.tooManyConnections.utf8Span.span)
        loop.closeAfterFlush(id)
    }

    private static let tooManyConnections = """
        HTTP/1.1 429 Too Many Requests\r
        Content-Type: application/problem+json\r
        Retry-After: 1\r
        Connection: close\r
        Content-Length: 144\r
        \r
        {"type":"about:blank","title":"Too Many Requests","status":429,"code":"rate_limited","detail":"too many connections","limited_by":"connections"}
        """

    /// Gives back what a connection held.
    mutating func leaveConnection(_ index: Int) {
        vacate(index)
        if let ticket = clients[index].connection.take() { live.limits.addresses?.table.leave(ticket) }
    }

    // MARK: The PROXY protocol

    /// Takes more of the header that a trusted proxy sends before all else (PROXY protocol, version 2).
    /// - Returns: how many bytes are wanted still; nil where it is none, or the peer is not trusted to send one.
    mutating func preface(_ id: ConnectionID, _ bytes: Span<UInt8>) -> Int? {
        let index = Int(id.index)
        guard exchanges[index].phase == .head, live.configuration.trustedProxies.contains(clients[index].address)
        else { return nil }
        if exchanges[index].stash == Exchange.none { exchanges[index].stash = stashes.take { nil } }
        var header = stashes[exchanges[index].stash].take() ?? OutputBuffer(capacity: 64)
        header.append(contentsOf: bytes)
        var wanted: Int?
        var parser = ProxyHeader()
        do throws(ProxyHeaderError) {
            switch try parser.parse(header.span) {
            case .needsMore:
                let fixed = 16
                wanted =
                    header.count < fixed
                    ? fixed - header.count
                    : fixed + Int(header.span[14]) << 8 + Int(header.span[15]) - header.count
                // Version 1 has a length of its own, and is not taken.
                if header.count > 0, header.span[0] != 0x0D { wanted = nil }
            case .header(let source, _):
                wanted = 0
                if let source { clients[index].address = source }
            }
        } catch {
            wanted = nil
        }
        stashes[exchanges[index].stash] = consume header
        guard let wanted, wanted == 0 else { return wanted }
        dropStash(index)
        guard countConnection(id) else {
            metrics.limited[.connections].add(1)
            return nil
        }
        return 0
    }

    // MARK: Requests

    /// The client's address: the peer's, or what trusted proxies say of it.
    mutating func resolveAddress(_ id: ConnectionID, _ head: RequestHead, _ bytes: Span<UInt8>) -> ClientAddress {
        let peer = clients[Int(id.index)].address
        var walk = ForwardedFor(peer: peer, trusted: live.configuration.trustedProxies)
        var index = head.fieldCount - 1
        while !walk.isSettled, index >= 0 {
            let field = parser.field(at: index)
            if bytes.begins(with: "x-forwarded-for", in: field.name), field.name.count == 15 {
                walk.walk(bytes.extracting(field.value), trusted: live.configuration.trustedProxies)
            }
            index -= 1
        }
        return walk.client
    }

    /// Takes what a request costs from its client's limits.
    /// - Throws: 429.
    mutating func checkLimits(
        _ id: ConnectionID, _ cost: RateCost, _ principal: Principal?
    ) throws(APIProblem) {
        let now = loop.nowNanoseconds
        if let principal {
            try take(live.limits.tokens?.table.check(Self.key(principal), cost: cost, at: now))
        } else {
            try take(
                live.limits.addresses?.table.check(
                    RateKey(clients[Int(id.index)].requestAddress), cost: cost, at: now))
        }
    }

    private mutating func take(_ verdict: RateVerdict?) throws(APIProblem) {
        switch verdict {
        case nil: break
        case .allowed(let standing): if let standing { replies.standing = standing }
        case .limited(let kind, let seconds): throw limited(kind, Int(clamping: seconds))
        }
    }

    private func limited(_ kind: RateKind, _ seconds: Int) -> APIProblem {
        metrics.limited[kind].add(1)
        return APIProblem(429, "rate_limited", "this client does more than it may; try again later").with {
            $0.retryAfterSeconds = seconds
            $0.limitedBy = kind.name
        }
    }

    /// All tokens of one subject share its limits.
    private static func key(_ principal: Principal) -> RateKey { RateKey(principal: principal.owner) }

    /// Takes messages, and topics that come into being, from both limits.
    mutating func charge(_ cost: RateCost) throws(APIProblem) {
        guard let client = limitedClient, cost != RateCost() else { return }
        try checkLimits(client, cost, nil)
        if let principal { try checkLimits(client, cost, principal) }
    }

    /// Whether topics that come into being are counted.
    var limitsTopics: Bool {
        limitedClient != nil
            && (live.limits.addresses?.limits.topics != nil || live.limits.tokens?.limits.topics != nil)
    }

    // MARK: Polls and streams

    /// Counts a poll or stream.
    /// - Throws: 429 where the client has as many as it may.
    mutating func occupy(_ id: ConnectionID, _ occupancy: Occupancy) throws(APIProblem) {
        let index = Int(id.index)
        guard limitedClient != nil else { return }
        if let addresses = live.limits.addresses?.limits, Self.isLimited(addresses, occupancy) {
            let key = RateKey(clients[index].requestAddress)
            clients[index].waiting = live.limits.addresses?.table.enter(key, occupancy, at: loop.nowNanoseconds)
            if clients[index].waiting == nil { throw limited(occupancy.kind, 1) }
        }
        if let principal, let tokens = live.limits.tokens?.limits, Self.isLimited(tokens, occupancy) {
            clients[index].tokenWaiting = live.limits.tokens?.table.enter(
                Self.key(principal), occupancy, at: loop.nowNanoseconds)
            if clients[index].tokenWaiting == nil {
                vacate(index)
                throw limited(occupancy.kind, 1)
            }
        }
    }

    private static func isLimited(_ limits: RateLimits, _ occupancy: Occupancy) -> Bool {
        switch occupancy {
        case .connection: limits.connections != nil
        case .poll: limits.polls != nil
        case .stream: limits.streams != nil
        }
    }

    mutating func vacate(_ index: Int) {
        if let ticket = clients[index].waiting.take() { live.limits.addresses?.table.leave(ticket) }
        if let ticket = clients[index].tokenWaiting.take() { live.limits.tokens?.table.leave(ticket) }
    }
}
