import Arenas

/// What the files said when they were last read. Immutable; any thread.
final class AccessState: Sendable {
    let tokens: StaticTokens
    let verifier: JWTVerifier

    /// Largest file of static tokens, in bytes: room for the most tokens with a few hundred bytes each.
    static let maximumTokensFileBytes = 64 << 20

    init(tokens: StaticTokens, verifier: JWTVerifier) {
        self.tokens = tokens
        self.verifier = verifier
    }

    /// Reads all files.
    /// - Returns: the state, and what whoever runs the server should know.
    /// - Throws: all that is wrong in all of them.
    static func read(
        _ configuration: AccessConfiguration
    ) throws(AccessError) -> (state: AccessState, warnings: [String]) {
        var problems: [String] = []
        var warnings: [String] = []
        var tokens = StaticTokens()
        if let path = configuration.tokensPath {
            do throws(AccessError) {
                tokens = try readTokens(path, &warnings)
            } catch {
                problems += error.problems
            }
        }
        var ring = KeyRing()
        for source in configuration.keys {
            do throws(AccessError) {
                try readKeys(source, into: &ring, &warnings)
            } catch {
                problems += error.problems
            }
        }
        if !(0...TokenRules.longestLeewaySeconds).contains(configuration.rules.leewaySeconds) {
            problems.append("a leeway of 0 to \(TokenRules.longestLeewaySeconds) seconds is wanted")
        }
        guard problems.isEmpty else { throw AccessError(problems) }
        return (AccessState(tokens: tokens, verifier: JWTVerifier(keys: ring, rules: configuration.rules)), warnings)
    }

    private static func readTokens(_ path: String, _ warnings: inout [String]) throws(AccessError) -> StaticTokens {
        let file = try FileContents(path: path, maximumBytes: maximumTokensFileBytes)
        if file.othersMayRead {
            // Nobody finds a token by its SHA-256, but who may do what is not everybody's business.
            warnings.append("\(path): everybody may read this file; take that away with chmod o-r")
        }
        do throws(AccessError) {
            return try StaticTokenFile.parse(file.bytes.span)
        } catch {
            throw AccessError(error.problems.map { "\(path): \($0)" })
        }
    }

    private static func readKeys(
        _ source: KeySource, into ring: inout KeyRing, _ warnings: inout [String]
    ) throws(AccessError) {
        let (keys, told) = try KeyFile.read(source)
        warnings += told
        for key in keys {
            do throws(AccessError) { try ring.add(key) } catch {
                throw AccessError(error.problems.map { "\(source.path): \($0)" })
            }
        }
    }

    /// Whom a token stands for, whatever form it has.
    func authenticate(
        _ token: Span<UInt8>, in arena: borrowing ScopedArena, nowSeconds: Int64
    ) throws(TokenFailure) -> Principal {
        guard StaticToken.isMeant(token) else {
            return try verifier.verify(token, in: arena, nowSeconds: nowSeconds)
        }
        guard StaticToken.isWellFormed(token) else { throw .malformed }
        guard let principal = tokens.principal(for: token) else { throw .refused(.unknown) }
        guard !principal.isExpired(at: nowSeconds) else { throw .refused(.expired) }
        return principal
    }

    /// The same principal as it is now; nothing where nothing vouches for it any more.
    func renewed(_ principal: Principal) -> Principal? {
        switch principal.credential {
        case .staticToken(let digest): tokens.principal(for: digest)
        case .key(let fingerprint): verifier.keys.contains(fingerprint: fingerprint) ? principal : nil
        case .none: principal
        }
    }
}
