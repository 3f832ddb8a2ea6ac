import Arenas
import JSON

/// The claims of a signed token that matter here. (RFC 7519, section 4.1)
struct TokenClaims {
    /// Seconds since 1970-01-01T00:00:00Z.
    var expiry: Int64?
    var notBefore: Int64?
    var issuedAt: Int64?
    /// Whether `iss` is the one wanted; nothing where there is none.
    var isIssuerWanted: Bool?
    /// Whether one of `aud` is one that is wanted; nothing where there is none.
    var isAudienceWanted: Bool?
    /// `sub`, escaped and cut short.
    var subject: String?
    /// By all of `sub`; tokens without one have the same.
    var owner = Principal.owner("jwt", Span())
    /// `postern`; nothing is granted where there is none.
    var grants = Grants()

    /// Reads claims; those that are not known are looked past. (RFC 7519, section 4)
    init(
        _ text: Span<UInt8>, expecting rules: TokenRules, in arena: borrowing ScopedArena
    ) throws(TokenFailure) {
        var reader = JSONReader(text, depthLimit: JSONWebToken.jsonDepth)
        var names = MemberNames()
        try reader.enterObject()
        while let name = try reader.key(in: arena) {
            guard names.insert(name) else { throw .malformed }
            if JSONReader.matches(name, "exp") {
                expiry = try Self.time(&reader, of: text)
            } else if JSONReader.matches(name, "nbf") {
                notBefore = try Self.time(&reader, of: text)
            } else if JSONReader.matches(name, "iat") {
                issuedAt = try Self.time(&reader, of: text)
            } else if JSONReader.matches(name, "iss") {
                isIssuerWanted = rules.isWantedIssuer(try reader.string(in: arena))
            } else if JSONReader.matches(name, "aud") {
                isAudienceWanted = try Self.audience(&reader, rules, in: arena)
            } else if JSONReader.matches(name, "sub") {
                let name = try reader.string(in: arena)
                subject = LogName.escaped(name)
                owner = Principal.owner("jwt:", name)
            } else if JSONReader.matches(name, "postern") {
                grants = try Self.grants(&reader, in: arena)
            } else {
                _ = try reader.value()
            }
        }
        try reader.end()
    }

    private static func time(_ reader: inout JSONReader, of text: Span<UInt8>) throws(TokenFailure) -> Int64 {
        guard let time = NumericDate.parse(text.extracting(try reader.value())) else { throw .malformed }
        return time
    }

    /// One string, or an array of them.
    private static func audience(
        _ reader: inout JSONReader, _ rules: TokenRules, in arena: borrowing ScopedArena
    ) throws(TokenFailure) -> Bool {
        guard try reader.kind() == .array else { return rules.isWantedAudience(try reader.string(in: arena)) }
        var isWanted = false
        try reader.enterArray()
        while try reader.hasElement() {
            if rules.isWantedAudience(try reader.string(in: arena)) { isWanted = true }
        }
        return isWanted
    }

    /// `{"publish": [PATTERN…], "subscribe": [PATTERN…], "admin": BOOL}`, each optional, and nothing else: a misspelt
    /// name must not grant less, or more, than was meant.
    private static func grants(
        _ reader: inout JSONReader, in arena: borrowing ScopedArena
    ) throws(TokenFailure) -> Grants {
        var grants = Grants()
        var names = MemberNames()
        try reader.enterObject()
        while let name = try reader.key(in: arena) {
            guard names.insert(name) else { throw .malformed }
            if JSONReader.matches(name, "publish") {
                grants.publish = try patterns(&reader, in: arena)
            } else if JSONReader.matches(name, "subscribe") {
                grants.subscribe = try patterns(&reader, in: arena)
            } else if JSONReader.matches(name, "admin") {
                grants.isAdmin = try reader.bool()
            } else {
                throw .malformed
            }
        }
        return grants
    }

    private static func patterns(
        _ reader: inout JSONReader, in arena: borrowing ScopedArena
    ) throws(TokenFailure) -> PatternList {
        var list = PatternList()
        try reader.enterArray()
        while try reader.hasElement() {
            let pattern = try reader.string(in: arena)
            do throws(PatternListError) { try list.append(pattern) } catch { throw .malformed }
        }
        return list
    }
}
