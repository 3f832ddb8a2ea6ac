import Arenas

/// Tokens that were good a moment ago, so that a client's next request costs a hash and no signature.
///
/// One a loop; a loop's own, no locks. Keyed by 128 bits of a keyed hash of the presented bytes: no token is kept, and
/// nobody who does not know the key can make one that meets another. Refusals are not kept, or strangers would push out
/// those who are known. Keeps its principals alive until they are pushed out or the configuration changes. Neither
/// looking up nor inserting allocates.
public struct TokenCache: ~Copyable {
    /// Most tokens kept where nothing else is said.
    public static let defaultCapacity = 4096
    /// Tokens of one set, among which the next to go is chosen.
    private static let ways = 4

    private struct Entry {
        var key: (UInt64, UInt64) = (0, 0)
        /// Nothing where the entry is free.
        var principal: Principal?
    }

    /// The key of presented bytes; found again only by the cache that made it.
    struct Key {
        fileprivate let bits: (UInt64, UInt64)
    }

    private var entries: [Entry]
    private let hash: KeyedHash
    /// Sets minus one, where there are a power of two of them.
    private let setMask: Int
    /// The configuration that all entries are of.
    private var generation: UInt64 = 0
    /// Which of a full set goes next.
    private var turn = 0

    /// An empty cache.
    /// - Parameter capacity: most tokens kept; rounded down to a power of two, and 4 at least.
    public init(capacity: Int = TokenCache.defaultCapacity) {
        var sets = 1
        while sets * 2 * Self.ways <= capacity { sets *= 2 }
        setMask = sets - 1
        entries = Array(repeating: Entry(), count: sets * Self.ways)
        hash = .random()
    }

    /// Most tokens that are kept.
    public var capacity: Int { entries.count }

    /// Tokens that are kept now; counts them.
    public var count: Int { entries.count { $0.principal != nil } }

    /// The key of a token's bytes.
    func key(for token: Span<UInt8>) -> Key { Key(bits: hash.hash128(token)) }

    /// Whom the token with this key stands for; nothing where it is not known, was of another configuration, or is over.
    mutating func principal(for key: Key, generation: UInt64, nowSeconds: Int64) -> Principal? {
        guard generation == self.generation else { return nil }
        let start = firstEntry(key)
        for index in start..<start + Self.ways
        where entries[index].key.0 == key.bits.0 && entries[index].key.1 == key.bits.1 {
            guard let principal = entries[index].principal else { continue }
            if !principal.isExpired(at: nowSeconds) { return principal }
            entries[index].principal = nil
            return nil
        }
        return nil
    }

    /// Keeps a principal that was found under this configuration; forgets those of others.
    mutating func insert(_ principal: Principal, for key: Key, generation: UInt64) {
        if generation != self.generation {
            removeAll()
            self.generation = generation
        }
        let start = firstEntry(key)
        var chosen: Int?
        for index in start..<start + Self.ways {
            let isSame = entries[index].key.0 == key.bits.0 && entries[index].key.1 == key.bits.1
            if isSame || entries[index].principal == nil { chosen = index }
            if isSame { break }
        }
        if chosen == nil { turn = (turn + 1) % Self.ways }
        entries[chosen ?? start + turn] = Entry(key: key.bits, principal: principal)
    }

    /// Forgets all tokens.
    public mutating func removeAll() {
        for index in entries.indices { entries[index].principal = nil }
    }

    private func firstEntry(_ key: Key) -> Int { (Int(truncatingIfNeeded: key.bits.0) & setMask) * Self.ways }
}
