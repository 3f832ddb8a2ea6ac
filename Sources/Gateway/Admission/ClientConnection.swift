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
    /// Nil where nothing was ever limited.
    let addresses: SharedRates?
    let tokens: SharedRates?

    /// - Parameter before: limits that held until now; what clients did counts on.
    init(_ configuration: GatewayConfiguration, before: ClientLimits? = nil) {
        let capacity = configuration.limitedClients
        addresses = SharedRates(configuration.addressLimits, capacity: capacity, before: before?.addresses)
        tokens = SharedRates(configuration.tokenLimits, capacity: capacity, before: before?.tokens)
    }

    var areUnlimited: Bool { addresses == nil && tokens == nil }
}

/// A table of rates that all loops share.
final class SharedRates: Sendable {
    let table: RateTable
    let limits: RateLimits

    /// - Returns: nil where nothing is limited and nothing was before: what was counted then is still given back.
    init?(_ limits: RateLimits, capacity: Int, before: SharedRates?) {
        if let before {
            table = before.table
            table.setLimits(limits)
        } else {
            guard !limits.isUnlimited else { return nil }
            table = RateTable(limits: limits, capacity: capacity)
        }
        self.limits = limits
    }
}
