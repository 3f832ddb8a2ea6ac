/// Where it is written who may do what.
public struct AccessConfiguration: Sendable, Equatable {
    /// The file of static tokens; nothing where there are none.
    public var tokensPath: String?
    /// Keys that signed tokens are checked with; empty where none are taken.
    public var keys: [KeySource]
    /// What signed tokens must claim.
    public var rules: TokenRules

    public init(tokensPath: String? = nil, keys: [KeySource] = [], rules: TokenRules = TokenRules()) {
        self.tokensPath = tokensPath
        self.keys = keys
        self.rules = rules
    }
}
