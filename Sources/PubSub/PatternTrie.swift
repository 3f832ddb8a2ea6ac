import Arenas

/// Topic patterns by their tokens: those that select a topic are found without a look at the others.
///
/// A node is a run of tokens. It is kept in a pool under its parent's number and its last token; the pool numbers it,
/// and counts the patterns that run through it. A walk goes down by the topic's token and by `*`, so that it sees at
/// most two nodes for each one above, and none that no pattern runs through. Bounded by the pool's limits.
struct PatternTrie: ~Copyable {
    struct Node: BitwiseCopyable {
        /// Patterns that end here.
        var firstEnd = PatternTrie.none
        /// The nodes below by `*` and by `**`, which need no looking up.
        var any = PatternTrie.none
        var rest = PatternTrie.none
    }

    struct End: BitwiseCopyable {
        var value: UInt32 = 0
        var next = PatternTrie.none
    }

    private static let none = UInt32.max
    /// Stands above all nodes; no node of the pool has this number.
    private static let root = UInt32.max

    private var numbers: InternPool
    private var nodes = StableArray<Node>()
    private var rootNode = Node()
    private var ends = StableArray<End>()
    private var freeEnd = PatternTrie.none

    /// - Parameter maximumNodes: most runs of tokens held at a time.
    init(maximumNodes: Int) {
        numbers = InternPool(maximumCount: maximumNodes, maximumBytes: maximumNodes * 64)
    }

    /// Runs of tokens held now.
    var nodeCount: Int { numbers.count }

    // MARK: Matching

    /// Calls `body` with the value of every pattern that selects `topic`; where several of a value's patterns do, once
    /// for each.
    /// - Returns: how many nodes were looked at.
    @discardableResult
    func match(_ topic: Span<UInt8>, _ body: (UInt32) -> Void) -> Int { visit(Self.root, topic, 0, body) }

    private func visit(_ number: UInt32, _ topic: Span<UInt8>, _ start: Int, _ body: (UInt32) -> Void) -> Int {
        let node = self[number]
        guard start < topic.count else {
            report(node, body)
            return 1
        }
        var visits = 1
        if node.rest != Self.none { report(self[node.rest], body) }
        let end = Self.tokenEnd(topic, from: start)
        if let child = find(number, topic.extracting(start..<end)) { visits += visit(child, topic, end + 1, body) }
        if node.any != Self.none { visits += visit(node.any, topic, end + 1, body) }
        return visits
    }

    private func report(_ node: Node, _ body: (UInt32) -> Void) {
        var end = node.firstEnd
        while end != Self.none {
            body(ends[Int(end)].value)
            end = ends[Int(end)].next
        }
    }

    // MARK: Patterns that come and go

    /// Adds valid patterns, joined by commas, under a value.
    /// - Returns: false where there is no room; nothing is added then.
    mutating func insert(_ patterns: Span<UInt8>, value: UInt32) -> Bool {
        var start = 0
        while start <= patterns.count {
            let end = TopicPattern.alternativeEnd(patterns, from: start)
            guard insertOne(patterns.extracting(start..<end), value) else {
                if start > 0 { remove(patterns.extracting(0..<start - 1), value: value) }
                return false
            }
            start = end + 1
        }
        return true
    }

    /// Takes out what `insert` added.
    mutating func remove(_ patterns: Span<UInt8>, value: UInt32) {
        var start = 0
        while start <= patterns.count {
            let end = TopicPattern.alternativeEnd(patterns, from: start)
            removeOne(patterns.extracting(start..<end), value)
            start = end + 1
        }
    }

    private mutating func insertOne(_ pattern: Span<UInt8>, _ value: UInt32) -> Bool {
        var number = Self.root
        var start = 0
        while start < pattern.count {
            let end = Self.tokenEnd(pattern, from: start)
            guard let child = hold(number, pattern.extracting(start..<end)) else {
                if start > 0 { release(pattern.extracting(0..<start - 1)) }
                return false
            }
            number = child
            start = end + 1
        }
        if freeEnd == Self.none { growEnds() }
        let end = freeEnd
        freeEnd = ends[Int(end)].next
        ends[Int(end)] = End(value: value, next: self[number].firstEnd)
        self[number].firstEnd = end
        return true
    }

    private mutating func removeOne(_ pattern: Span<UInt8>, _ value: UInt32) {
        let number = node(of: pattern)
        var previous = Self.none
        var end = self[number].firstEnd
        while end != Self.none, ends[Int(end)].value != value {
            previous = end
            end = ends[Int(end)].next
        }
        precondition(end != Self.none, "the pattern was not added")
        let next = ends[Int(end)].next
        if previous == Self.none { self[number].firstEnd = next } else { ends[Int(previous)].next = next }
        ends[Int(end)].next = freeEnd
        freeEnd = end
        release(pattern)
    }

    /// The child of a node by a token, held once more; nil where there is no room for a new one.
    private mutating func hold(_ parent: UInt32, _ token: Span<UInt8>) -> UInt32? {
        let id = Self.withKey(parent, token) { key in try? numbers.intern(key) }
        guard let id else { return nil }
        nodes.reserve(through: Int(id.rawValue)) { Node() }
        if numbers.referenceCount(of: id) == 1 {
            nodes[Int(id.rawValue)] = Node()
            if token[0] == UInt8(ascii: "*") {
                if token.count == 1 { self[parent].any = id.rawValue } else { self[parent].rest = id.rawValue }
            }
        }
        return id.rawValue
    }

    /// Gives up one hold on each node of a run of tokens, the last first.
    private mutating func release(_ tokens: Span<UInt8>) {
        var end = tokens.count
        while end > 0 {
            let start = Self.tokenStart(tokens, before: end)
            let number = node(of: tokens.extracting(0..<end))
            if numbers.release(InternedID(rawValue: number)), tokens[start] == UInt8(ascii: "*") {
                let parent = start == 0 ? Self.root : node(of: tokens.extracting(0..<start - 1))
                if end - start == 1 { self[parent].any = Self.none } else { self[parent].rest = Self.none }
            }
            end = start - 1
        }
    }

    /// The node of a run of tokens that is held.
    private func node(of tokens: Span<UInt8>) -> UInt32 {
        var number = Self.root
        var start = 0
        while start < tokens.count {
            let end = Self.tokenEnd(tokens, from: start)
            guard let child = find(number, tokens.extracting(start..<end)) else {
                preconditionFailure("the pattern was not added")
            }
            number = child
            start = end + 1
        }
        return number
    }

    private func find(_ parent: UInt32, _ token: Span<UInt8>) -> UInt32? {
        Self.withKey(parent, token) { key in numbers.lookup(key)?.rawValue }
    }

    private static let keyHeaderBytes = 4

    private static func withKey<Result>(
        _ parent: UInt32, _ token: Span<UInt8>, _ body: (Span<UInt8>) -> Result
    ) -> Result {
        var key = InlineArray<259, UInt8>(repeating: 0)
        for index in 0..<keyHeaderBytes { key[index] = UInt8(truncatingIfNeeded: parent >> UInt32(8 * index)) }
        for index in token.indices { key[keyHeaderBytes + index] = token[index] }
        return body(key.span.extracting(0..<keyHeaderBytes + token.count))
    }

    private subscript(number: UInt32) -> Node {
        get { number == Self.root ? rootNode : nodes[Int(number)] }
        set { if number == Self.root { rootNode = newValue } else { nodes[Int(number)] = newValue } }
    }

    private mutating func growEnds() {
        let begin = ends.count
        ends.reserve(through: begin) { End() }
        for index in (begin..<ends.count).reversed() {
            ends[index].next = freeEnd
            freeEnd = UInt32(index)
        }
    }

    private static func tokenEnd(_ text: Span<UInt8>, from start: Int) -> Int {
        var end = start
        while end < text.count, text[end] != UInt8(ascii: ".") { end += 1 }
        return end
    }

    private static func tokenStart(_ text: Span<UInt8>, before end: Int) -> Int {
        var start = end
        while start > 0, text[start - 1] != UInt8(ascii: ".") { start -= 1 }
        return start
    }
}
