import Arenas
import PubSub

/// Reads a file of static tokens, one a line:
///
///     NAME sha256:HEX [publish=PATTERN[,PATTERN…]] [subscribe=…] [admin] [expires=RFC3339]
///
/// Fields stand apart by spaces; `#` begins a comment; empty lines count for nothing. The file holds no token, only
/// their SHA-256, and all its problems are told at once.
struct StaticTokenFile {
    /// Longest line, in bytes: two full lists of patterns of common length, and far below what would slow a start.
    static let maximumLineBytes = 16 << 10
    /// Longest name of a token, in bytes.
    static let maximumNameBytes = 64

    private var problems = Problems()
    private var entries: [(digest: Digest, principal: Principal)] = []
    private var linesOfNames: [String: Int] = [:]
    private var linesOfDigests: [[UInt8]: Int] = [:]
    private var line = 0

    /// The tokens of `text`.
    /// - Throws: all that is wrong, by lines.
    static func parse(
        _ text: Span<UInt8>, maximumCount: Int = StaticTokens.maximumCount
    ) throws(AccessError) -> StaticTokens {
        var file = StaticTokenFile()
        var start = 0
        while start < text.count {
            var end = start
            while end < text.count, text[end] != UInt8(ascii: "\n") { end += 1 }
            file.line += 1
            file.readLine(text.extracting(start..<end))
            start = end + 1
            if file.entries.count > maximumCount {
                file.refuse("at most \(maximumCount) tokens are taken")
                break
            }
        }
        try file.problems.finish()
        return StaticTokens(file.entries)
    }

    private mutating func refuse(_ text: @autoclosure () -> String) {
        let line = line
        problems.add("line \(line): " + text())
    }

    private mutating func readLine(_ text: Span<UInt8>) {
        guard text.count <= Self.maximumLineBytes else {
            return refuse("a line has at most \(Self.maximumLineBytes) bytes")
        }
        var fields = Fields(text)
        guard let nameRange = fields.next() else { return }
        let before = problems.count
        let name = readName(text.extracting(nameRange))
        var digest: Digest?
        if let digestRange = fields.next() {
            digest = readDigest(text.extracting(digestRange))
        } else {
            refuse("sha256: and the token's SHA-256 in hex are wanted behind the name")
        }
        var attributes = Attributes()
        while let range = fields.next() { readAttribute(text.extracting(range), into: &attributes) }
        guard problems.count == before, let digest else { return }
        let principal = Principal(
            identifier: "token:" + name, owner: Principal.owner("token", name.utf8Span.span), grants: attributes.grants,
            expirySeconds: attributes.expirySeconds, credential: .staticToken(digest))
        entries.append((digest, principal))
    }

    /// A name of letters, digits, dots, hyphens and underscores.
    private mutating func readName(_ text: Span<UInt8>) -> String {
        // Whoever stores the token itself must not have it shown in logs as a name.
        guard !StaticToken.isMeant(text) else {
            refuse("this begins with a token; a name is wanted, and the token's SHA-256 behind it, never the token")
            return ""
        }
        guard let name = Self.name(text) else {
            refuse("a name of 1 to \(Self.maximumNameBytes) letters, digits, '.', '-' and '_' is wanted first")
            return ""
        }
        if let other = linesOfNames.updateValue(line, forKey: name) { refuse("line \(other) has the same name") }
        return name
    }

    /// `text` as a token's name; nothing where it is none.
    static func name(_ text: Span<UInt8>) -> String? {
        guard (1...maximumNameBytes).contains(text.count) else { return nil }
        var name = ""
        for index in text.indices {
            guard text[index] == UInt8(ascii: ".") || Base64URL.value(of: text[index]) != nil else { return nil }
            name.unicodeScalars.append(Unicode.Scalar(text[index]))
        }
        return name
    }

    private mutating func readDigest(_ text: Span<UInt8>) -> Digest? {
        guard let digest = Self.digest(text) else {
            refuse("sha256: and 64 hex digits are wanted behind the name")
            return nil
        }
        var key: [UInt8] = []
        for index in 0..<Digest.byteCount { key.append(digest.bytes[index]) }
        if let other = linesOfDigests.updateValue(line, forKey: key) { refuse("line \(other) has the same token") }
        return digest
    }

    private static func digest(_ text: Span<UInt8>) -> Digest? {
        guard text.starts(with: "sha256:"), text.count == 7 + 2 * Digest.byteCount else { return nil }
        var digest = Digest()
        for index in 0..<Digest.byteCount {
            guard let high = hexDigit(text[7 + 2 * index]), let low = hexDigit(text[8 + 2 * index]) else { return nil }
            digest.bytes[index] = high << 4 | low
        }
        return digest
    }

    private static func hexDigit(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

/// What stands behind a token's digest.
private struct Attributes {
    var grants = Grants()
    var expirySeconds: Int64?
    var seen: Set<String> = []
}

extension StaticTokenFile {
    private mutating func readAttribute(_ text: Span<UInt8>, into attributes: inout Attributes) {
        if text.starts(with: "publish=") {
            note("publish=", in: &attributes)
            attributes.grants.publish = readPatterns(text.extracting(8..<text.count), "publish=")
        } else if text.starts(with: "subscribe=") {
            note("subscribe=", in: &attributes)
            attributes.grants.subscribe = readPatterns(text.extracting(10..<text.count), "subscribe=")
        } else if text.starts(with: "expires=") {
            note("expires=", in: &attributes)
            guard let time = Timestamp(parsing: text.extracting(8..<text.count)) else {
                return refuse("expires= wants a time as in RFC 3339, such as 2027-01-31T00:00:00Z")
            }
            attributes.expirySeconds = time.microseconds / 1_000_000
        } else if text.count == 5, text.starts(with: "admin") {
            note("admin", in: &attributes)
            attributes.grants.isAdmin = true
        } else {
            refuse("publish=, subscribe=, admin or expires= is wanted")
        }
    }

    private mutating func note(_ attribute: String, in attributes: inout Attributes) {
        if !attributes.seen.insert(attribute).inserted { refuse("\(attribute) is there twice") }
    }

    private mutating func readPatterns(_ text: Span<UInt8>, _ attribute: String) -> PatternList {
        do throws(PatternListError) {
            return try PatternList(parsing: text)
        } catch {
            refuse("\(attribute) \(error.explanation)")
            return PatternList()
        }
    }
}

/// The fields of a line, up to a comment.
private struct Fields: ~Escapable {
    private let text: Span<UInt8>
    private var position = 0

    @_lifetime(copy text)
    init(_ text: Span<UInt8>) { self.text = text }

    /// Where the next field stands; nothing behind the last.
    @_lifetime(self: copy self)
    mutating func next() -> Range<Int>? {
        while position < text.count, isSpace(text[position]) { position += 1 }
        guard position < text.count, text[position] != UInt8(ascii: "#") else { return nil }
        let start = position
        while position < text.count, !isSpace(text[position]) { position += 1 }
        return start..<position
    }

    /// A carriage return, too: files that were written elsewhere.
    private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
}

extension Span<UInt8> {
    /// Whether the bytes begin with `literal`.
    func starts(with literal: StaticString) -> Bool {
        guard count >= literal.utf8CodeUnitCount else { return false }
        for index in 0..<literal.utf8CodeUnitCount where self[index] != literal[index] { return false }
        return true
    }
}
