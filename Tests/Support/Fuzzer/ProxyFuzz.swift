import Arenas
import Clients

/// Takes any bytes for a PROXY header, and for `X-Forwarded-For`, and for an address, and traps where a promise breaks:
/// a header says the same however it is split, and nothing behind it counts; a client's address is the peer's or one of
/// the header's; an address written reads the same.
func fuzzProxy(_ bytes: Span<UInt8>) {
    checkHeader(bytes)
    checkForwarded(bytes)
    if let address = ClientAddress(parsing: bytes) {
        checkText(address)
        precondition(ClientAddress(parsingForwarded: bytes) == address, "an address that cannot be forwarded")
    }
    if let address = ClientAddress(parsingForwarded: bytes) { checkText(address) }
    if let list = try? AddressList(parsing: bytes) {
        for range in list.ranges { precondition(list.contains(range.base), "a range without its base") }
    }
    if let limit = try? RateLimit(parsing: bytes, inBytes: true) {
        precondition(limit.tokens > 0 && limit.burst > 0 && limit.windowSeconds > 0, "a limit of nothing")
    }
    guard bytes.count >= 16 else { return }
    checkText(ClientAddress(high: word(bytes, 0), low: word(bytes, 8)))
}

private enum HeaderOutcome: Equatable {
    case read(ProxyHeader.Outcome)
    case refused(ProxyHeaderError)
}

private func outcome(_ header: inout ProxyHeader, _ bytes: Span<UInt8>) -> HeaderOutcome {
    do throws(ProxyHeaderError) { return .read(try header.parse(bytes)) } catch { return .refused(error) }
}

private func checkHeader(_ bytes: Span<UInt8>) {
    var header = ProxyHeader()
    let whole = outcome(&header, bytes)
    var stepwise = ProxyHeader()
    // A byte at a time at first, where the fields are, then in strides.
    var count = 0
    var last = outcome(&stepwise, bytes.extracting(0..<0))
    while last == .read(.needsMore), count < bytes.count {
        count = min(bytes.count, count < 256 ? count + 1 : count + 97)
        last = outcome(&stepwise, bytes.extracting(0..<count))
    }
    precondition(last == whole, "a split changes the outcome")
    guard case .read(.header(let source, let byteCount)) = whole else { return }
    precondition(byteCount > 0 && byteCount <= bytes.count, "a header beyond the bytes")
    precondition(byteCount <= ProxyHeader.maximumByteCount, "a header that is too long")
    var exact = ProxyHeader()
    precondition(outcome(&exact, bytes.extracting(0..<byteCount)) == whole, "what follows a header counts")
    if let source { checkText(source) }
}

private func checkForwarded(_ bytes: Span<UInt8>) {
    let trustedText = Array("10.0.0.0/8,2001:db8::/32,1.0.0.0/8".utf8)
    guard let trusted = try? AddressList(parsing: trustedText.span) else { preconditionFailure("a good list") }
    let peer = ClientAddress(ipv4: 0x0A00_0001)
    var forwarded = ForwardedFor(peer: peer, trusted: trusted)
    forwarded.walk(bytes, trusted: trusted)
    precondition(forwarded.isSettled || trusted.contains(forwarded.client), "a stranger that is not the client")
    checkText(forwarded.client)
    let settled = forwarded
    forwarded.walk(bytes, trusted: trusted)
    precondition(!settled.isSettled || forwarded.client == settled.client, "a settled client changes")
    var stranger = ForwardedFor(peer: ClientAddress(ipv4: 0xC000_0201), trusted: trusted)
    stranger.walk(bytes, trusted: trusted)
    precondition(stranger.client == ClientAddress(ipv4: 0xC000_0201), "a stranger is believed")
}

private func checkText(_ address: ClientAddress) {
    var text = OutputBuffer(capacity: ClientAddress.maximumTextByteCount)
    address.write(to: &text)
    precondition(text.count <= ClientAddress.maximumTextByteCount, "a text that is too long")
    precondition(ClientAddress(parsing: text.span) == address, "an address reads otherwise than it was written")
    precondition(address.limitKey.limitKey == address.limitKey, "a limit key of a limit key")
}

private func word(_ bytes: Span<UInt8>, _ offset: Int) -> UInt64 {
    var word: UInt64 = 0
    for index in 0..<8 { word = word << 8 | UInt64(bytes[offset + index]) }
    return word
}
