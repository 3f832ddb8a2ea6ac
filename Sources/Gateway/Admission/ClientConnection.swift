import Clients

/// Who a connection is from, and what of their limits it holds.
struct ClientConnection {
    /// The peer's address, or the client's that a trusted proxy speaks for on the whole connection.
    var address = ClientAddress(high: 0, low: 0)
    /// The client's address of the request under way.
    var requestAddress = ClientAddress(high: 0, low: 0)
    var connection: RateTicket?
    /// Of the poll or stream under way: the address' and the token's.
    var waiting: RateTicket?
    var tokenWaiting: RateTicket?
}

/// What each address and each token may do.
struct ClientLimits: Sendable {
    /// Nil where nothing is limited.
    let addresses: SharedRates?
    let tokens: SharedRates?

    init(_ configuration: GatewayConfiguration) {
        addresses = SharedRates(configuration.addressLimits, capacity: configuration.limitedClients)
        tokens = SharedRates(configuration.tokenLimits, capacity: configuration.limitedClients)
    }

    var areUnlimited: Bool { addresses == nil && tokens == nil }
}

/// A table of rates that all loops share.
final class SharedRates: Sendable {
    let table: RateTable
    let limits: RateLimits

    init?(_ limits: RateLimits, capacity: Int) {
        guard !limits.isUnlimited else { return nil }
        self.limits = limits
        table = RateTable(limits: limits, capacity: capacity)
    }
}
