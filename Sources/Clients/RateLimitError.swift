/// What is wrong with a rate in a configuration, in words for whoever wrote it.
public enum RateLimitError: Error, Equatable, CustomStringConvertible {
    case notARate
    case unknownUnit
    case unknownPeriod
    case notABurst
    case zero
    case tooLarge

    public var description: String {
        switch self {
        case .notARate: "expected a number and a period, such as 100/s or 6000/m"
        case .unknownUnit: "the unit of bytes is one of B, kB, MB, GB, KiB, MiB, GiB; other rates have none"
        case .unknownPeriod: "the period is one of s, m, h, d"
        case .notABurst: "expected the burst as a number behind the colon, such as 100/s:500"
        case .zero: "a limit of 0 would let nothing through; leave it out for no limit"
        case .tooLarge: "the rate is too large to be counted; take a shorter period or leave the limit out"
        }
    }
}
