/// What a signed token must claim.
public struct TokenRules: Sendable, Equatable {
    /// The only `iss` taken; any where there is none.
    public var issuer: String? {
        didSet { issuerBytes = issuer.map { Array($0.utf8) } }
    }
    /// Who Postern is: one of these must be in `aud`. Where there are none, a token that has `aud` is refused, since it
    /// is meant for somebody else. (RFC 7519, section 4.1.3)
    public var audiences: [String] {
        didSet { audienceBytes = audiences.map { Array($0.utf8) } }
    }
    /// Whether a token must end.
    public var requiresExpiry: Bool
    /// How far clocks may be apart, in seconds.
    public var leewaySeconds: Int64

    /// Most leeway that may be asked for, in seconds; more would make short lives of tokens meaningless.
    public static let longestLeewaySeconds: Int64 = 600

    private var issuerBytes: [UInt8]?
    private var audienceBytes: [[UInt8]]

    public init(
        issuer: String? = nil, audiences: [String] = [], requiresExpiry: Bool = true, leewaySeconds: Int64 = 30
    ) {
        self.issuer = issuer
        self.audiences = audiences
        self.requiresExpiry = requiresExpiry
        self.leewaySeconds = leewaySeconds
        issuerBytes = issuer.map { Array($0.utf8) }
        audienceBytes = audiences.map { Array($0.utf8) }
    }

    func isWantedIssuer(_ issuer: Span<UInt8>) -> Bool {
        guard let issuerBytes else { return true }
        return Self.isSame(issuerBytes.span, issuer)
    }

    func isWantedAudience(_ audience: Span<UInt8>) -> Bool {
        for wanted in audienceBytes where Self.isSame(wanted.span, audience) { return true }
        return false
    }

    private static func isSame(_ one: Span<UInt8>, _ other: Span<UInt8>) -> Bool {
        guard one.count == other.count else { return false }
        for index in one.indices where one[index] != other[index] { return false }
        return true
    }
}
