import Access
import ArgumentParser

/// Who may publish and read what.
struct AccessOptions: ParsableArguments {
    static let names = [
        "--tokens", "--jwt-secret", "--jwt-key", "--jwks", "--jwt-issuer", "--jwt-audience", "--jwt-leeway",
        "--token-cookie", "--token-parameter",
    ]

    @Option(
        help: ArgumentHelp(
            "Tokens' hashes and what each allows, a line each (see: postern token new). SIGHUP reads it again.",
            valueName: "file"))
    var tokens: String?

    @Option(
        help: ArgumentHelp("The secret of signed tokens (JWT, HS256): 32 bytes at least.", valueName: "file"))
    var jwtSecret: String?

    @Option(
        help: ArgumentHelp(
            "Public keys of signed tokens, joined by commas: RS256, ES256 or EdDSA, a colon, and a PEM file.",
            valueName: "alg:file"),
        transform: AccessOptions.keys)
    var jwtKey: [KeySource] = []

    @Option(help: ArgumentHelp("Public keys of signed tokens: a JSON Web Key Set.", valueName: "file"))
    var jwks: String?

    @Option(help: ArgumentHelp("Who must have issued signed tokens: their iss. (default: anyone)", valueName: "name"))
    var jwtIssuer: String?

    @Option(
        help: ArgumentHelp(
            "Whom signed tokens are for: one of these, joined by commas, is in their aud. (default: no aud)",
            valueName: "name"),
        transform: OptionValues.list)
    var jwtAudience: [String] = []

    @Option(
        help: ArgumentHelp("How far clocks may be apart: 0s to 10m. (default: 30s)", valueName: "time"),
        transform: OptionValues.milliseconds(0...600_000))
    var jwtLeeway: Int?

    @Option(
        help: ArgumentHelp(
            "The cookie browsers show a token in; off for none. (default: postern_token)", valueName: "name"))
    var tokenCookie: String?

    @Option(
        help: ArgumentHelp(
            "Take a token from a URL's access_token too, for EventSource. Proxies log URLs: on or off. (default: off)",
            valueName: "on|off"),
        transform: OptionValues.toggle)
    var tokenParameter: Bool?

    /// What names the keys; nil where no token is asked for.
    var configuration: AccessConfiguration? {
        var keys = jwtKey
        if let jwtSecret { keys.append(.secret(path: jwtSecret)) }
        if let jwks { keys.append(.keySet(path: jwks)) }
        guard tokens != nil || !keys.isEmpty else { return nil }
        var rules = TokenRules()
        rules.issuer = jwtIssuer
        rules.audiences = jwtAudience
        if let jwtLeeway { rules.leewaySeconds = Int64(jwtLeeway / 1000) }
        return AccessConfiguration(tokensPath: tokens, keys: keys, rules: rules)
    }

    func validate() throws {
        if let tokenCookie, !tokenCookie.utf8.allSatisfy(Self.isNameCharacter) || tokenCookie.isEmpty {
            throw ValidationError("--token-cookie: letters, digits, '-' and '_' are wanted")
        }
        guard configuration == nil else { return }
        let wanting: [(String, Bool)] = [
            ("--jwt-issuer", jwtIssuer != nil), ("--jwt-audience", !jwtAudience.isEmpty),
            ("--jwt-leeway", jwtLeeway != nil), ("--token-cookie", tokenCookie != nil),
            ("--token-parameter", tokenParameter != nil),
        ]
        for (name, isThere) in wanting where isThere {
            throw ValidationError("\(name) wants --tokens, --jwt-secret, --jwt-key or --jwks")
        }
    }

    private static func isNameCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case 48...57, 65...90, 97...122, 45, 95: true
        default: false
        }
    }

    @Sendable private static func keys(_ text: String) throws -> [KeySource] {
        try OptionValues.list(text).map { part in
            guard let colon = part.firstIndex(of: ":"),
                let algorithm = SignatureAlgorithm(rawValue: String(part[..<colon])), algorithm != .hs256,
                part.index(after: colon) < part.endIndex
            else { throw ValidationError("RS256:FILE, ES256:FILE or EdDSA:FILE is wanted") }
            return .publicKey(algorithm, path: String(part[part.index(after: colon)...]))
        }
    }
}
