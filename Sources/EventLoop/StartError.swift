import Glibc

// unsafe: strerror returns a C string, copied at once.
/// Why a group could not start, in words for an operator.
public struct StartError: Error, CustomStringConvertible, Sendable {
    public let description: String

    init(_ error: SystemError, host: String, port: UInt16) {
        let place = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
        description =
            switch error.number {
            case EADDRINUSE:
                "\(place) is in use by another process (EADDRINUSE); this says by which: ss -ltnp 'sport = :\(port)'"
            case EACCES: "\(place) needs more rights than this process has (EACCES)"
            case EADDRNOTAVAIL: "\(host) is no address of this machine (EADDRNOTAVAIL)"
            default: "\(place): \(error.call): \(unsafe String(cString: strerror(error.number)))"
            }
    }
}
