/// The first topics of a listing, in the order of their names, gathered without holding the lock throughout.
package struct TopicPage {
    /// Topics looked at in one hold of the lock.
    package static let scanBatch = 512

    private let limit: Int
    private var found: [(name: [UInt8], topic: TopicSnapshot)] = []
    /// Whether a topic had to be left out.
    package private(set) var isFull = false

    package init(limit: Int) { self.limit = limit }

    package mutating func scan(_ ids: Range<Int>, of state: borrowing LogState, prefix: Span<UInt8>, after: Span<UInt8>)
    {
        for index in ids {
            let id = TopicID(rawValue: UInt32(index))
            guard state.topics[id].isLive, let snapshot = state.snapshot(id) else { continue }
            let name = state.topics.names.bytes(of: id)
            guard name.starts(with: prefix), after.precedes(name) else { continue }
            insert(name, snapshot)
        }
    }

    private mutating func insert(_ name: Span<UInt8>, _ snapshot: TopicSnapshot) {
        if found.count == limit {
            isFull = true
            let last = found[limit - 1].name
            guard name.precedes(last.span) else { return }
            found.removeLast()
        }
        var low = 0
        var high = found.count
        while low < high {
            let middle = (low + high) / 2
            let other = found[middle].name
            if other.span.precedes(name) { low = middle + 1 } else { high = middle }
        }
        var copy: [UInt8] = []
        copy.reserveCapacity(name.count)
        for position in name.indices { copy.append(name[position]) }
        found.insert((copy, snapshot), at: low)
    }

    package func forEach(_ body: (Span<UInt8>, TopicSnapshot) -> Void) {
        for entry in found { body(entry.name.span, entry.topic) }
    }
}

extension Span<UInt8> {
    func starts(with prefix: Span<UInt8>) -> Bool {
        guard count >= prefix.count else { return false }
        for index in prefix.indices where self[index] != prefix[index] { return false }
        return true
    }

    /// Whether these bytes sort strictly before `other`'s.
    func precedes(_ other: Span<UInt8>) -> Bool {
        for index in 0..<Swift.min(count, other.count) where self[index] != other[index] {
            return self[index] < other[index]
        }
        return count < other.count
    }
}
