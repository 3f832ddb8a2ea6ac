import CLinux
import TLS

/// A socket for connections to come in at, one loop's own or an inherited one of all; closed with the last that holds it.
final class Listener: Sendable {
    let descriptor: Int32
    let credentials: TLSCredentials?
    let hasPreface: Bool
    /// Whether all loops wait for this one socket, and it outlives them.
    let isInherited: Bool

    /// Opens it.
    /// - Parameter isShared: whether others may listen at the same port.
    init(_ configuration: ListenerConfiguration, port: UInt16, backlog: Int32, isShared: Bool) throws(SystemError) {
        descriptor = try SystemCalls.listen(
            host: configuration.host, port: port, backlog: backlog, shared: isShared)
        credentials = configuration.credentials
        hasPreface = configuration.hasPreface
        isInherited = false
    }

    /// Takes one over that is there already.
    init(_ configuration: ListenerConfiguration, inherited: InheritedSocket) {
        descriptor = inherited.descriptor
        credentials = configuration.credentials
        hasPreface = configuration.hasPreface
        isInherited = true
    }

    deinit { _ = postern_close(descriptor) }
}

/// Who is at the other end: an IPv6 address, or an IPv4 one mapped into IPv6 (RFC 4291, section 2.5.5.2), big-endian.
public struct PeerAddress: BitwiseCopyable, Hashable, Sendable {
    public var high: UInt64
    public var low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}
