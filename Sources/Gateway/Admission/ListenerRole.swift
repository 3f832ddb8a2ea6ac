/// What connections may ask for, by the address they came in at.
enum ListenerRole: Sendable {
    /// Publishing and reading, as far as their tokens go.
    case clients
    /// Everything; who reaches it is trusted.
    case operators
    /// Nothing: all are sent to where TLS is spoken.
    case redirect
}

/// An address to listen on.
public struct ListenAddress: Equatable, Sendable {
    public var host: String
    public var port: UInt16

    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Reads `HOST:PORT` or `[IPV6]:PORT`; nil where it is neither.
    public init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty else { return nil }
        self.host = String(host)
        self.port = port
    }

    /// Whether only this machine reaches it.
    public var isLoopback: Bool {
        if host == "localhost" || host == "::1" { return true }
        // A name that begins so may be anybody's.
        return host.hasPrefix("127.") && host.utf8.allSatisfy { $0 == UInt8(ascii: ".") || ($0 >= 0x30 && $0 <= 0x39) }
    }

    /// As a URL has it.
    public var text: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }
}
