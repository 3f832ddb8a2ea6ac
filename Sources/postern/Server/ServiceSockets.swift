import CSystemd
import Gateway
import Glibc

/// Sockets that systemd opened for us (systemd.socket(5)), so that a restart refuses nobody: what comes meanwhile waits in
/// their queue.
enum ServiceSockets {
    /// What is wrong with one of them, in words for an operator.
    struct Refusal: Error, CustomStringConvertible {
        let description: String
    }

    /// Takes them over. To be called once, before there are threads.
    ///
    /// `FileDescriptorName=operators` and `redirect` say what a socket is for. Any other name is for clients: operators are
    /// asked for no token, which nobody is to get by leaving a name out.
    /// - Parameter speaksTLS: whether there is something to redirect to.
    static func take(speaksTLS: Bool) throws(Refusal) -> InheritedListeners {
        let names = ServiceManager.variable("LISTEN_FDNAMES").map { text in
            text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        }
        var listeners = InheritedListeners()
        let count = Int(postern_inherited_sockets())
        guard count > 0 else { return listeners }
        guard count <= maximumCount else {
            throw Refusal(description: "\(count) sockets are inherited; no more than \(maximumCount) are served")
        }
        for number in 0..<count {
            let name = names.flatMap { number < $0.count ? $0[number] : nil } ?? ""
            let socket = try adopt(Int32(POSTERN_FIRST_SOCKET + number), name)
            switch name {
            case "operators": listeners.operators.append(socket)
            case "redirect":
                guard speaksTLS else {
                    throw Refusal(description: "the inherited socket 'redirect' wants --tls-cert")
                }
                listeners.redirect.append(socket)
            default: listeners.clients.append(socket)
            }
        }
        // What is told of the server is told of the first: the one that is reached from furthest.
        listeners.clients.sort { !isLoopback($0) && isLoopback($1) }
        listeners.operators.sort { !isLoopback($0) && isLoopback($1) }
        return listeners
    }

    /// Three roles, some addresses each, and what a loop may listen on.
    private static let maximumCount = 12

    private static func adopt(_ descriptor: Int32, _ name: String) throws(Refusal) -> InheritedListener {
        do throws(InheritedListenerError) { return try InheritedListener(descriptor: descriptor) } catch {
            let shown = name.isEmpty ? "" : " '\(name)'"
            throw Refusal(description: "the inherited socket \(descriptor)\(shown) cannot be served: \(error)")
        }
    }

    private static func isLoopback(_ socket: InheritedListener) -> Bool {
        ListenAddress(host: socket.host, port: socket.port).isLoopback
    }
}

extension GatewayConfiguration {
    /// Listens on what is inherited, in place of the addresses that were set; who is let in is judged by them.
    mutating func adopt(_ listeners: InheritedListeners) {
        inherited = listeners
        if let socket = listeners.clients.first { (host, port) = (socket.host, socket.port) }
        if let socket = listeners.operators.first {
            operatorsAddress = ListenAddress(host: socket.host, port: socket.port)
        }
        if let socket = listeners.redirect.first {
            redirectAddress = ListenAddress(host: socket.host, port: socket.port)
        }
    }
}
