/// The keys that signed tokens may be signed with.
///
/// For each token there is one key at most, so that refusing a forged one costs one signature.
struct KeyRing: Sendable {
    /// Most keys; the sets of issuers that rotate theirs have a handful.
    static let maximumCount = 64

    private(set) var keys: [VerificationKey] = []

    /// Adds a key.
    /// - Throws: why it cannot stand beside those that are there: with the same id and algorithm, nobody could tell which
    ///   one a token means.
    mutating func add(_ key: VerificationKey) throws(AccessError) {
        guard keys.count < Self.maximumCount else { throw AccessError("at most \(Self.maximumCount) keys are taken") }
        guard !keys.contains(where: { $0.id == key.id && $0.algorithm == key.algorithm }) else {
            let name = key.algorithm.rawValue
            throw AccessError(
                key.id == nil
                    ? "there is another \(name) key without an id; with more than one, each needs its id"
                    : "there is another \(name) key with the same id")
        }
        keys.append(key)
    }

    /// A bit for each key that `id`, a token's `kid`, may mean: those of that name, or, where there is none, those that
    /// have no name.
    func candidates(id: Span<UInt8>) -> UInt64 {
        var named: UInt64 = 0
        var nameless: UInt64 = 0
        for index in keys.indices {
            guard let name = keys[index].id else {
                nameless |= 1 << UInt64(index)
                continue
            }
            if isSame(name.span, id) { named |= 1 << UInt64(index) }
        }
        return named != 0 ? named : nameless
    }

    /// The only key among `candidates` for `algorithm`. Without `candidates`, where a token names no key, the only one
    /// of all.
    func key(for algorithm: SignatureAlgorithm, among candidates: UInt64?) throws(Refusal) -> VerificationKey {
        let candidates = candidates ?? ~0
        var found: Int?
        var isAnother = false
        for index in keys.indices where candidates & 1 << UInt64(index) != 0 {
            guard keys[index].algorithm == algorithm else {
                isAnother = true
                continue
            }
            guard found == nil else { throw .unknown }
            found = index
        }
        guard let found else { throw isAnother ? .wrongAlgorithm : .unknown }
        return keys[found]
    }

    /// Whether a key with this fingerprint is there.
    func contains(fingerprint: UInt64) -> Bool { keys.contains { $0.fingerprint == fingerprint } }

    private func isSame(_ one: Span<UInt8>, _ other: Span<UInt8>) -> Bool {
        guard one.count == other.count else { return false }
        for index in one.indices where one[index] != other[index] { return false }
        return true
    }
}
