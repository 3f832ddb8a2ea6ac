import Arenas
import JSON

/// A signed token in its compact form: header, payload and signature in base64url, joined by dots. Slices of what was
/// presented; nothing is decoded, and nothing in it is to be believed before the signature is. (RFC 7515, section 3.1)
struct JSONWebToken: ~Escapable {
    let header: Span<UInt8>
    let payload: Span<UInt8>
    let signature: Span<UInt8>
    /// What is signed: the first two and the dot between them.
    let signingInput: Span<UInt8>

    /// Longest token, in bytes: what a request's head has room for anyway.
    static let maximumBytes = 8 << 10
    /// Levels that header and claims may nest: `postern` has three, and those of others are looked past.
    static let jsonDepth = 16

    /// Nothing where `text` is too long or has not three parts.
    @_lifetime(copy text)
    init?(_ text: Span<UInt8>) {
        guard text.count <= Self.maximumBytes else { return nil }
        let first = Self.dot(in: text, from: 0)
        guard first < text.count else { return nil }
        let second = Self.dot(in: text, from: first + 1)
        guard second < text.count, Self.dot(in: text, from: second + 1) == text.count else { return nil }
        header = text.extracting(0..<first)
        payload = text.extracting(first + 1..<second)
        signature = text.extracting(second + 1..<text.count)
        signingInput = text.extracting(0..<second)
    }

    private static func dot(in text: Span<UInt8>, from start: Int) -> Int {
        var index = start
        while index < text.count, text[index] != UInt8(ascii: ".") { index += 1 }
        return index
    }

    /// One part's bytes, in `arena`.
    @_lifetime(borrow arena)
    static func decoded(
        _ part: Span<UInt8>, in arena: borrowing ScopedArena
    ) throws(TokenFailure) -> Span<UInt8> {
        guard part.count > 0, let count = Base64URL.decodedCount(part.count) else { throw .malformed }
        var output = ArenaBuffer(in: arena, capacity: count)
        guard Base64URL.decode(part, to: &output) else { throw .malformed }
        do throws(ArenaError) { return try output.finish() } catch { throw .arena(error) }
    }
}
