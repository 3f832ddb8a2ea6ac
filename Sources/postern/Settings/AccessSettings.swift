import Access
import Configuration

/// Who may publish and read what.
extension Settings {
    static let tokens = Setting(
        "tokens", .path(), defaultText: "none", live: true,
        "Tokens' hashes and what each allows, a line each (see: postern token new).")
    static let jwtSecret = Setting(
        "jwt-secret", .path(), defaultText: "none", live: true,
        "The secret of signed tokens (JWT, HS256): a file of 32 bytes at least.")
    static let jwtKey = Setting(
        "jwt-key", .keys, defaultText: "none", live: true,
        """
        Public keys of signed tokens, joined by commas: RS256, ES256 or EdDSA, a colon, and a PEM file.
        """)
    static let jwks = Setting(
        "jwks", .path(), defaultText: "none", live: true, "Public keys of signed tokens: a JSON Web Key Set.")
    static let jwtIssuer = Setting(
        "jwt-issuer", .text("name"), defaultText: "anyone", live: true,
        "Who must have issued signed tokens: their iss.")
    static let jwtAudience = Setting(
        "jwt-audience", .list("name"), defaultText: "no aud", live: true,
        "Whom signed tokens are for: one of these, joined by commas, is in their aud.")
    static let jwtLeeway = Setting(
        "jwt-leeway", .time(0...600_000), default: Int(TokenRules().leewaySeconds) * 1000, live: true,
        "How far clocks may be apart")
    static let tokenCookie = Setting(
        "token-cookie", .cookie, default: "postern_token", "The cookie browsers show a token in; off for none.")
    static let tokenParameter = Setting(
        "token-parameter", .toggle, default: false,
        "Take a token from a URL's access_token too, for EventSource. Proxies log URLs: on or off.")

    static let access = SettingGroup(
        "Access",
        [tokens, jwtSecret, jwtKey, jwks, jwtIssuer, jwtAudience, jwtLeeway, tokenCookie, tokenParameter])

    /// What tokens are checked by: taken up together or not at all.
    static let keys: [any SettingDescribing] = [
        tokens, jwtSecret, jwtKey, jwks, jwtIssuer, jwtAudience, jwtLeeway,
    ]
}

extension SettingForm where Value == [KeySource] {
    fileprivate static var keys: Self {
        var form = Self(
            valueName: "alg:file",
            read: { written throws(SettingRefusal) in try keys(written) },
            // It has no default.
            text: { _ in "" })
        form.layout = .list
        return form
    }

    private static func keys(_ text: String) throws(SettingRefusal) -> [KeySource] {
        var keys: [KeySource] = []
        for part in try SettingForm<[String]>.list("").read(text) { keys.append(try key(part)) }
        return keys
    }

    private static func key(_ part: String) throws(SettingRefusal) -> KeySource {
        guard let colon = part.firstIndex(of: ":"),
            let algorithm = SignatureAlgorithm(rawValue: String(part[..<colon])), algorithm != .hs256,
            part.index(after: colon) < part.endIndex
        else { throw SettingRefusal("RS256:FILE, ES256:FILE or EdDSA:FILE is wanted, not '\(part)'") }
        return .publicKey(algorithm, path: String(part[part.index(after: colon)...]))
    }
}

extension SettingForm where Value == String {
    fileprivate static var cookie: Self {
        Self(
            valueName: "name",
            read: { written throws(SettingRefusal) in
                guard !written.isEmpty, written.utf8.allSatisfy(isNameCharacter) else {
                    throw SettingRefusal("letters, digits, '-' and '_' are wanted, not '\(written)'")
                }
                return written
            }, text: { $0 })
    }

    private static func isNameCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122, 45, 95: true
        default: false
        }
    }
}
