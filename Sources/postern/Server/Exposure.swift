import Configuration
import Gateway

/// Who reaches a server without being asked who they are. Strangers are not let in by oversight.
struct Exposure {
    /// Addresses beyond this machine where no token or certificate is asked for.
    private(set) var clients: ListenAddress?
    private(set) var operators: ListenAddress?
    private let isMeant: Bool

    /// - Parameter inherited: sockets that are listened on in place of the addresses that are set.
    init(_ configuration: ServerConfiguration, inherited: InheritedListeners = InheritedListeners()) {
        var gateway = configuration.gateway
        gateway.adopt(inherited)
        let address = ListenAddress(host: gateway.host, port: gateway.port)
        if !address.isLoopback, configuration.access == nil, !configuration.wantsClientCertificate { clients = address }
        if let address = gateway.operatorsAddress, !address.isLoopback { operators = address }
        isMeant = configuration.values[Settings.open] == true
    }

    /// What to tell where that is not meant, a paragraph each; empty where the server may start.
    var refusals: [String] {
        guard !isMeant else { return [] }
        var refusals: [String] = []
        if let operators {
            refusals.append(
                """
                \(operators.text) (--admin-listen) is reached from beyond this machine, and no token is asked there.
                let it listen on 127.0.0.1, or, where a firewall keeps strangers out, say --open on \
                (POSTERN_OPEN=on, open = true).
                """)
        }
        if let clients {
            refusals.append(
                """
                \(clients.text) is reached from beyond this machine, and anyone may publish and read there.
                ask for tokens (--tokens FILE, see: postern token new --help) or client certificates \
                (--tls-client-ca), listen on 127.0.0.1, or, where a firewall or a proxy keeps strangers out, say \
                --open on (POSTERN_OPEN=on, open = true).
                """)
        }
        return refusals
    }

    /// What to log where it is meant: what it means, and the address.
    var warnings: [(message: String, address: String)] {
        var warnings: [(String, String)] = []
        if let operators { warnings.append(("anyone who reaches this address is an operator", operators.text)) }
        if let clients { warnings.append(("anyone who reaches this address may publish and read", clients.text)) }
        return warnings
    }
}
