/// What is wrong with addresses in a configuration, in words for whoever wrote it.
public enum AddressError: Error, Equatable, CustomStringConvertible {
    case notAnAddress
    case notAPrefix
    case bitsBeyondPrefix
    case tooManyRanges

    public var description: String {
        switch self {
        case .notAnAddress: "expected an IPv4 or IPv6 address such as 10.0.0.1 or 2001:db8::1"
        case .notAPrefix: "the prefix behind / is a number up to 32 for IPv4, up to 128 for IPv6"
        case .bitsBeyondPrefix: "the address has bits set behind its prefix, as 10.0.0.1/8 for 10.0.0.0/8"
        case .tooManyRanges: "at most \(AddressList.maximumRanges) addresses or ranges"
        }
    }
}
