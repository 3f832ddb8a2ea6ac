/// Pages of which origins may use the gateway from a browser (Fetch Standard, section 3.2).
public struct CrossOriginPolicy: Sendable, Equatable {
    /// Origins as browsers write them, `https://app.example`; or `*` alone, for all.
    public let origins: [String]
    /// How long a browser may remember what a preflight was told.
    public var maximumAgeSeconds = 600

    /// What is wrong with a list of origins, in words.
    public struct Refusal: Error, CustomStringConvertible, Sendable {
        public let description: String
    }

    /// More are a list that nobody looks over; and a parked poll keeps its origin's number in six bits.
    public static let maximumOrigins = 32

    public init(origins: [String]) throws(Refusal) {
        guard (1...Self.maximumOrigins).contains(origins.count) else {
            throw Refusal(description: "1 to \(Self.maximumOrigins) origins are wanted")
        }
        for origin in origins where origins.count > 1 || origin != "*" {
            guard Self.isOrigin(origin) else {
                throw Refusal(description: "'\(origin)' is no origin: scheme://host or scheme://host:port is wanted")
            }
        }
        self.origins = origins
    }

    var allowsAll: Bool { origins == ["*"] }

    /// `scheme://host[:port]` in lower case, without a path: what a browser sends (RFC 6454, section 6.2).
    private static func isOrigin(_ text: String) -> Bool {
        guard let separator = text.firstRange(of: "://"), separator.lowerBound > text.startIndex else { return false }
        let rest = text[separator.upperBound...]
        let isPlain = text.utf8.allSatisfy { byte in
            (97...122).contains(byte) || (48...57).contains(byte) || [45, 46, 58, 91, 93, 47].contains(byte)
        }
        return isPlain && !rest.isEmpty && !rest.contains("/")
    }
}

/// The policy as loops use it: each origin's header fields, written once.
final class CrossOriginFields: Sendable {
    /// The fields of a reply, by the origin's number; the first, of no origin, is empty.
    let texts: [[UInt8]]
    private let origins: [[UInt8]]
    private let allowsAll: Bool
    let maximumAgeSeconds: Int

    static let exposed = "Cursor, Link, Location, Retry-After, RateLimit, X-Request-Id"

    /// - Parameter allowsCredentials: browsers may send the cookie.
    init(_ policy: CrossOriginPolicy?, allowsCredentials: Bool) {
        let names = policy?.origins ?? []
        origins = names.map { Array($0.utf8) }
        allowsAll = policy?.allowsAll ?? false
        maximumAgeSeconds = policy?.maximumAgeSeconds ?? 0
        let credentials = allowsCredentials && !allowsAll ? "Access-Control-Allow-Credentials: true\r\n" : ""
        let vary = allowsAll ? "" : "Vary: Origin\r\n"
        texts =
            [[]]
            + names.map { name in
                Array(
                    """
                    Access-Control-Allow-Origin: \(name)\r\n\(credentials)\(vary)\
                    Access-Control-Expose-Headers: \(Self.exposed)\r\n
                    """.utf8)
            }
    }

    /// An origin's number; 0 where it is not allowed.
    func number(of origin: Span<UInt8>) -> UInt8 {
        if allowsAll { return 1 }
        for index in origins.indices where origin.equals(origins[index]) { return UInt8(index + 1) }
        return 0
    }
}

extension Span<UInt8> {
    func equals(_ other: [UInt8]) -> Bool {
        guard count == other.count else { return false }
        for index in indices where self[index] != other[index] { return false }
        return true
    }
}
