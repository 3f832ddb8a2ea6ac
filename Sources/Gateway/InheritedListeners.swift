import EventLoop

/// A listening TCP socket that a service manager opened for this process.
public typealias InheritedListener = InheritedSocket

/// Why a descriptor cannot be one.
public typealias InheritedListenerError = InheritedSocketError

/// Sockets that a service manager holds open, so that a restart refuses nobody, by what their connections may ask for.
///
/// Where there are some of a role, nothing else is opened for it.
public struct InheritedListeners: Sendable {
    public var clients: [InheritedListener] = []
    public var operators: [InheritedListener] = []
    public var redirect: [InheritedListener] = []

    public init() {}

    public var isEmpty: Bool { clients.isEmpty && operators.isEmpty && redirect.isEmpty }
}

extension GatewayConfiguration {
    /// What to listen on, and what the connections of each may ask for: clients first.
    func listeners() -> [(ListenerConfiguration, ListenerRole)] {
        var listeners: [(ListenerConfiguration, ListenerRole)] = []
        func add(_ inherited: [InheritedListener], _ address: ListenAddress?, _ role: ListenerRole) {
            let (credentials, hasPreface) = role == .clients ? (credentials, expectsProxyHeader) : (nil, false)
            for socket in inherited {
                listeners.append(
                    (ListenerConfiguration(inherited: socket, credentials: credentials, hasPreface: hasPreface), role))
            }
            guard inherited.isEmpty, let address else { return }
            listeners.append(
                (
                    ListenerConfiguration(
                        host: address.host, port: address.port, credentials: credentials, hasPreface: hasPreface), role
                ))
        }
        add(inherited.clients, ListenAddress(host: host, port: port), .clients)
        add(inherited.operators, operatorsAddress, .operators)
        add(inherited.redirect, redirectAddress, .redirect)
        return listeners
    }
}
