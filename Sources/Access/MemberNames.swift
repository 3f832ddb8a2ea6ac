import Arenas

/// The names of an object's members so far, so that none comes twice: two readers might each believe another of the two.
/// (RFC 7515, section 4; RFC 7519, section 4)
struct MemberNames {
    /// Most members of an object; tokens of common issuers have about 30.
    static let maximumCount = 64

    private var hashes = InlineArray<64, UInt64>(repeating: 0)
    private var count = 0
    /// Random, so that two names never meet by intent; that they do by chance is as likely as a guessed key.
    private static let hash = KeyedHash.random()

    /// Adds a name; whether it is new, and not one too many.
    mutating func insert(_ name: Span<UInt8>) -> Bool {
        guard count < Self.maximumCount else { return false }
        let hash = Self.hash.hash(name)
        for index in 0..<count where hashes[index] == hash { return false }
        hashes[count] = hash
        count += 1
        return true
    }
}
