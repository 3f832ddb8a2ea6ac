import Arenas

/// The topics' names and states, by id. A topic stands here as long as somebody holds it: a publish under way, its
/// messages, its settings, a reader that watches it.
// unsafe: owns the states in chunks that never move, so that growing copies nothing.
@safe
package struct TopicTable: ~Copyable {
    package private(set) var names: InternPool
    private let chunks: UnsafeMutablePointer<UnsafeMutablePointer<TopicState>?>
    private let chunkCapacity: Int
    /// Losses of topics that are gone, by a hash of their names: a reader of a name that nobody holds is told too.
    private let forgotten: UnsafeMutablePointer<UInt64>
    private let hash: KeyedHash
    /// No topic lost anything behind this.
    package private(set) var lostThrough: UInt64 = 0

    private static let chunkSize = 256
    /// More buckets make a false report rarer: a name shares its bucket with one in 4,096 others.
    private static let forgottenBuckets = 4096

    init(maximumTopics: Int) {
        names = InternPool(maximumCount: maximumTopics, maximumBytes: maximumTopics * TopicName.maximumBytes)
        hash = .random()
        chunkCapacity = maximumTopics / Self.chunkSize + 1
        unsafe chunks = .allocate(capacity: chunkCapacity)
        unsafe chunks.initialize(repeating: nil, count: chunkCapacity)
        unsafe forgotten = zeroedTable(count: Self.forgottenBuckets)
    }

    deinit {
        for index in 0..<chunkCapacity { unsafe chunks[index]?.deallocate() }
        unsafe chunks.deallocate()
        unsafe releaseTable(forgotten)
    }

    /// Ids in use are below this.
    package var indexBound: Int { names.indexBound }

    /// The state of a topic whose id is below `indexBound`.
    package subscript(id: TopicID) -> TopicState {
        get { unsafe state(id).pointee }
        _modify { yield unsafe &state(id).pointee }
    }

    private func state(_ id: TopicID) -> UnsafeMutablePointer<TopicState> {
        let index = Int(id.rawValue)
        guard let chunk = unsafe chunks[index / Self.chunkSize] else { preconditionFailure("no such topic") }
        return unsafe chunk + index % Self.chunkSize
    }

    /// The topic's id, held once more; made where the name is new.
    mutating func intern(_ name: Span<UInt8>) throws(LogError) -> TopicID {
        let id: TopicID
        do throws(InternError) { id = try names.intern(name) } catch { throw .tooManyTopics }
        let index = Int(id.rawValue)
        if unsafe chunks[index / Self.chunkSize] == nil {
            let chunk = UnsafeMutablePointer<TopicState>.allocate(capacity: Self.chunkSize)
            unsafe chunk.initialize(repeating: TopicState(), count: Self.chunkSize)
            unsafe chunks[index / Self.chunkSize] = unsafe chunk
        }
        if !self[id].isLive {
            var fresh = TopicState()
            fresh.isLive = true
            fresh.lostThrough = lostThrough(ofUnknown: name)
            fresh.lossIsRemembered = fresh.lostThrough > 0
            fresh.told = self[id].told
            self[id] = fresh
        }
        return id
    }

    /// The id of a name somebody holds.
    package func find(_ name: Span<UInt8>) -> TopicID? { names.lookup(name) }

    mutating func retain(_ id: TopicID) { names.retain(id) }

    /// Gives up one hold; with the last the topic is gone.
    package mutating func release(_ id: TopicID) {
        if names.referenceCount(of: id) == 1 {
            let bucket = bucket(of: names.bytes(of: id))
            unsafe forgotten[bucket] = max(forgotten[bucket], self[id].lostThrough)
            forgottenThrough = max(forgottenThrough, self[id].lostThrough)
            self[id].isLive = false
        }
        _ = names.release(id)
    }

    /// Up to where messages of a name that nobody holds were lost.
    func lostThrough(ofUnknown name: Span<UInt8>) -> UInt64 { unsafe forgotten[bucket(of: name)] }

    /// Up to where messages of topics that are gone were lost: what a pattern may have missed.
    private(set) var forgottenThrough: UInt64 = 0

    /// Notes that a message of `id` was lost to retention.
    package mutating func noteLoss(_ id: TopicID, _ sequence: UInt64) {
        self[id].lostThrough = max(self[id].lostThrough, sequence)
        lostThrough = max(lostThrough, sequence)
    }

    /// Counts every name that nobody holds as one that lost messages up to `sequence`.
    package mutating func forgetAll(through sequence: UInt64) {
        for bucket in 0..<Self.forgottenBuckets { unsafe forgotten[bucket] = max(forgotten[bucket], sequence) }
        forgottenThrough = max(forgottenThrough, sequence)
        lostThrough = max(lostThrough, sequence)
    }

    private func bucket(of name: Span<UInt8>) -> Int {
        Int(truncatingIfNeeded: hash.hash(name)) & (Self.forgottenBuckets - 1)
    }
}
