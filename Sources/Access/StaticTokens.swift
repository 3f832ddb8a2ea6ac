import Arenas

/// The static tokens that are good, known by their SHA-256.
///
/// Read once from a file (`StaticTokenFile`) and never changed; any thread.
struct StaticTokens: Sendable {
    /// Most tokens one file may have; about 20 MiB of memory.
    static let maximumCount = 100_000

    /// 32 bytes a token.
    private var digests: [UInt8] = []
    private var principals: [Principal] = []
    /// Open addressing by linear probing, the first bytes of a digest being the hash: a slot holds an index plus one,
    /// or 0. A power of two, and twice as many as tokens.
    private var slots: [UInt32]

    /// Tokens known.
    var count: Int { principals.count }

    /// No tokens.
    init() { slots = [0, 0] }

    /// - Parameter entries: digests, each another one.
    init(_ entries: [(digest: Digest, principal: Principal)]) {
        var slotCount = 2
        while slotCount < entries.count * 2 { slotCount *= 2 }
        slots = Array(repeating: 0, count: slotCount)
        digests.reserveCapacity(entries.count * Digest.byteCount)
        principals.reserveCapacity(entries.count)
        for (digest, principal) in entries {
            for index in 0..<Digest.byteCount { digests.append(digest.bytes[index]) }
            principals.append(principal)
            var slot = firstSlot(digest)
            while slots[slot] != 0 { slot = (slot + 1) & (slotCount - 1) }
            slots[slot] = UInt32(principals.count)
        }
    }

    /// Whom a token stands for, expired or not; nothing where nobody knows it. Allocates nothing of its own.
    func principal(for token: Span<UInt8>) -> Principal? {
        guard StaticToken.isWellFormed(token) else { return nil }
        return principal(for: Cryptography.sha256(token))
    }

    /// Whom the token with this digest stands for.
    ///
    /// The way through the table depends on the digest, which tells nobody a token; two digests are compared in
    /// constant time.
    func principal(for digest: Digest) -> Principal? {
        var slot = firstSlot(digest)
        while slots[slot] != 0 {
            let index = Int(slots[slot]) - 1
            let start = index * Digest.byteCount
            let known = digests.span.extracting(start..<start + Digest.byteCount)
            if Cryptography.areEqual(known, digest) { return principals[index] }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    private func firstSlot(_ digest: Digest) -> Int { Int(truncatingIfNeeded: digest.prefix) & (slots.count - 1) }
}
