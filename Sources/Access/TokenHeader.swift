import Arenas
import JSON

/// What a signed token's header asks for: an algorithm, and perhaps a key by its name. (RFC 7515, section 4)
struct TokenHeader {
    let algorithm: SignatureAlgorithm
    /// A bit for each key that `kid` may mean; nothing where the token names none.
    let candidates: UInt64?

    /// Reads a header. Keys that it brings or points to (`jwk`, `jku`, `x5c`, `x5u`) are looked past: keys come from the
    /// configuration alone. (RFC 8725, sections 3.1 and 3.10)
    static func parse(
        _ text: Span<UInt8>, keys: KeyRing, in arena: borrowing ScopedArena
    ) throws(TokenFailure) -> TokenHeader {
        var reader = JSONReader(text, depthLimit: JSONWebToken.jsonDepth)
        var names = MemberNames()
        var hasAlgorithm = false
        var algorithm: SignatureAlgorithm?
        var candidates: UInt64?
        try reader.enterObject()
        while let name = try reader.key(in: arena) {
            guard names.insert(name) else { throw .malformed }
            if JSONReader.matches(name, "alg") {
                hasAlgorithm = true
                algorithm = SignatureAlgorithm(try reader.string(in: arena))
            } else if JSONReader.matches(name, "kid") {
                candidates = keys.candidates(id: try reader.string(in: arena))
            } else if JSONReader.matches(name, "typ") {
                guard isTokenType(try reader.string(in: arena)) else { throw .malformed }
            } else if JSONReader.matches(name, "crit") {
                // It names what must be understood, and nothing of the kind is. (RFC 7515, section 4.1.11)
                throw .malformed
            } else {
                _ = try reader.value()
            }
        }
        try reader.end()
        guard hasAlgorithm else { throw .malformed }
        guard let algorithm else { throw .refused(.wrongAlgorithm) }
        return TokenHeader(algorithm: algorithm, candidates: candidates)
    }

    /// `JWT` or `at+jwt`, in any case, `application/` before it or not: what was signed for another use is no token.
    /// (RFC 7519, section 5.1; RFC 9068, section 2.1; RFC 8725, section 3.11)
    private static func isTokenType(_ type: Span<UInt8>) -> Bool {
        let prefix: StaticString = "application/"
        let isLong = startsLowercased(type, prefix)
        let name = type.extracting((isLong ? prefix.utf8CodeUnitCount : 0)..<type.count)
        return name.count == 3 && startsLowercased(name, "jwt") || name.count == 6 && startsLowercased(name, "at+jwt")
    }

    private static func startsLowercased(_ text: Span<UInt8>, _ lowercase: StaticString) -> Bool {
        guard text.count >= lowercase.utf8CodeUnitCount else { return false }
        for index in 0..<lowercase.utf8CodeUnitCount {
            let byte = text[index]
            let isUppercase = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
            guard (isUppercase ? byte | 0x20 : byte) == lowercase[index] else { return false }
        }
        return true
    }
}
