/// Finds the client behind trusted proxies by `X-Forwarded-For`, whose every proxy appends the address it was called
/// from: read from the right, the first address that is no trusted proxy's is the client. What stands left of it the
/// client may have written itself.
///
/// A plain value, made for one request; allocates nothing.
public struct ForwardedFor: Sendable {
    /// Most elements that are looked at, since a header of the client's may list trusted addresses without end.
    public static let maximumHops = 64

    /// The client's address as far as it is known: the peer's at first.
    public private(set) var client: ClientAddress
    /// Whether values further left can no longer change it.
    public private(set) var isSettled: Bool
    private var hops = 0

    /// Begins at the connection's peer. A peer that is not trusted is the client, whatever the header says.
    public init(peer: ClientAddress, trusted: borrowing AddressList) {
        client = peer
        isSettled = !trusted.contains(peer)
    }

    /// Walks over one field line's value, right to left. Where a request has several, the last is walked first.
    ///
    /// An element that is no address ends the walk at the last good one: who wrote it is the proxy right of it, and what
    /// it knew is lost. Empty elements are passed over (RFC 9110, section 5.6.1).
    public mutating func walk(_ value: Span<UInt8>, trusted: borrowing AddressList) {
        var end = value.count
        while !isSettled, end >= 0 {
            var start = end
            while start > 0, value[start - 1] != UInt8(ascii: ",") { start -= 1 }
            hops += 1
            let element = value.trimmed(start..<end)
            if hops > Self.maximumHops {
                isSettled = true
            } else if !element.isEmpty {
                take(value.extracting(element), trusted)
            }
            end = start - 1
        }
    }

    private mutating func take(_ element: Span<UInt8>, _ trusted: borrowing AddressList) {
        guard let address = ClientAddress(parsingForwarded: element) else {
            isSettled = true
            return
        }
        client = address
        isSettled = !trusted.contains(address)
    }
}
