import Arenas

/// The topics a reader is to be told of, each at most once; the log sees to that with `TopicState.told`.
// unsafe: owns a flat ring that has a place for every topic id, so that adding to it under the lock never allocates.
@safe
struct NewsQueue: ~Copyable {
    private var ring: UnsafeMutablePointer<UInt32>
    private var mask: Int
    private var head = 0
    private(set) var count = 0

    init() {
        unsafe ring = .allocate(capacity: 64)
        mask = 63
    }

    deinit { unsafe ring.deallocate() }

    /// Makes room for ids below `bound`; called where topics are made, not where messages are appended.
    mutating func reserve(_ bound: Int) {
        guard bound > mask + 1 else { return }
        var size = mask + 1
        while size < bound { size *= 2 }
        let moved = UnsafeMutablePointer<UInt32>.allocate(capacity: size)
        for index in 0..<count { unsafe moved[index] = ring[(head + index) & mask] }
        unsafe ring.deallocate()
        unsafe ring = moved
        mask = size - 1
        head = 0
    }

    mutating func push(_ id: TopicID) {
        precondition(count <= mask)
        unsafe ring[(head + count) & mask] = id.rawValue
        count += 1
    }

    mutating func pop() -> UInt32? {
        guard count > 0 else { return nil }
        let value = unsafe ring[head & mask]
        head = (head + 1) & mask
        count -= 1
        return value
    }
}
