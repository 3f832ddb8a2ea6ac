import CLinux
import Glibc

/// A listening TCP socket that whoever started this process opened for it. It goes on taking connections into its queue
/// after this process has ended, so that the next one serves them.
public struct InheritedSocket: Sendable {
    public let descriptor: Int32
    /// The numeric address it is bound to, `0.0.0.0` and `::` included.
    public let host: String
    public let port: UInt16

    /// Takes it over; from here on the group that listens on it closes it.
    /// - Throws: `InheritedSocketError` where it is no listening TCP socket over IPv4 or IPv6.
    public init(descriptor: Int32) throws(InheritedSocketError) {
        switch postern_adopt_listener(descriptor) {
        case 0: break
        case -EPROTONOSUPPORT: throw .notTCP
        case -EINVAL: throw .notListening
        default: throw .noSocket
        }
        let port = postern_bound_port(descriptor)
        guard port > 0, let host = SystemCalls.boundHost(descriptor) else { throw .noSocket }
        self.descriptor = descriptor
        self.host = host
        self.port = UInt16(truncatingIfNeeded: port)
    }
}

/// Why a descriptor cannot be listened on.
public enum InheritedSocketError: Error, CustomStringConvertible, Sendable {
    case noSocket, notTCP, notListening

    public var description: String {
        switch self {
        case .noSocket: "it is no socket"
        case .notTCP: "it is no TCP socket over IPv4 or IPv6 (ListenStream= with a port is wanted)"
        case .notListening: "it is a socket that does not listen (Accept=no is wanted)"
        }
    }
}
