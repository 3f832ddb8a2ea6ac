/// Why a token was refused, for figures and logs. A client is told `code` and nothing more, so that whoever forges
/// tokens does not learn which part was wrong.
public enum Refusal: String, Error, Equatable, Sendable, CaseIterable {
    /// It has not the form of a token.
    case malformed
    /// A static token that is not in the file, or a signed one whose key is not configured.
    case unknown
    case expired
    /// Its time is yet to come, or it claims to have been issued in the future.
    case notYetValid = "not_yet_valid"
    case wrongAudience = "wrong_audience"
    case wrongIssuer = "wrong_issuer"
    /// It names an algorithm that its key is not for.
    case wrongAlgorithm = "wrong_algorithm"
    case badSignature = "bad_signature"

    /// What the client is told, with 401. That a token is over is said only of one that was good.
    public var code: StaticString { self == .expired ? "token_expired" : "invalid_token" }
}

/// What became of a token.
public enum Authentication: Sendable {
    case principal(Principal)
    case refused(Refusal)
}
