/// Why bytes are no PROXY header that we take. The connection is closed; no reply would reach who could read it.
public enum ProxyHeaderError: Error, Equatable, CustomStringConvertible {
    /// The bytes begin as neither version does.
    case noHeader
    case unsupportedVersion
    case unsupportedCommand
    case unsupportedFamily
    /// More bytes than we accept.
    case tooLong
    /// Addresses or ports that are none, or less room than they take.
    case malformed

    public var description: String {
        switch self {
        case .noHeader: "no PROXY protocol header"
        case .unsupportedVersion: "a PROXY protocol header of another version than 1 and 2"
        case .unsupportedCommand: "a PROXY protocol header with a command that is neither LOCAL nor PROXY"
        case .unsupportedFamily: "a PROXY protocol header with an unknown address family or transport"
        case .tooLong: "a PROXY protocol header that is too long"
        case .malformed: "a malformed PROXY protocol header"
        }
    }
}
