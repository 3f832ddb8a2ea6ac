import Arenas

/// A parked read: who waits, behind which position, for how much. It holds nothing else.
public struct Waiter: BitwiseCopyable, Sendable {
    /// Whoever parked it knows what this means; a connection's id, say.
    public var token: UInt64
    /// Nothing selected stands up to here.
    public var position: UInt64
    /// Where an empty answer says to go on: what the client itself named.
    public var next: UInt64
    /// Most messages of the answer.
    public var limit: UInt16
    /// Free for the owner: how the answer is to be written.
    public var form: UInt32

    public init(token: UInt64, position: UInt64, next: UInt64, limit: UInt16, form: UInt32) {
        self.token = token
        self.position = position
        self.next = next
        self.limit = limit
        self.form = form
    }
}

/// The parked reads of one loop, grouped by what they wait for. One thread.
///
/// Parking, waking and giving up are O(1) and allocate nothing in steady state. Groups that lost their last waiter
/// stay a while, since a long poll comes back; `sweep` ends them.
public struct WaiterTable: ~Copyable {
    /// A parked waiter's number, until it is removed.
    public typealias ID = UInt32
    public static let none: ID = .max

    @usableFromInline
    struct Node: BitwiseCopyable {
        var waiter = Waiter(token: 0, position: 0, next: 0, limit: 0, form: 0)
        var next = WaiterTable.none
        var previous = WaiterTable.none
        var group: UInt32 = .max
    }

    @usableFromInline
    struct Group: BitwiseCopyable {
        var topic: TopicID?
        var pattern: InternedID?
        var head = WaiterTable.none
        var tail = WaiterTable.none
        var waiters = 0
        var nextDirty: UInt32 = .max
        var isDirty = false
        var isUsed = false
        var idleSweeps: UInt8 = 0
    }

    /// What a group waits for.
    public enum Selection {
        case topic(TopicID)
        case pattern(InternedID)
    }

    private var nodes = StableArray<Node>()
    private var freeNode = WaiterTable.none
    private var groups = StableArray<Group>()
    private var groupBound = 0
    private var freeGroup: UInt32 = .max
    /// Group of a topic's id or a pattern's id, + 1.
    private var groupOfTopic = StableArray<UInt32>()
    private var groupOfPattern = StableArray<UInt32>()
    private var patterns: InternPool
    private var patternGroups = 0
    private var firstDirty: UInt32 = .max
    private var lastDirty: UInt32 = .max
    /// Parked reads.
    public private(set) var count = 0

    /// Sweeps a group stays without a waiter before it is ended.
    private static let idleSweepsKept: UInt8 = 10

    /// - Parameter maximumPatterns: most distinct patterns parked at a time.
    public init(maximumPatterns: Int = 10_000) {
        patterns = InternPool(maximumCount: maximumPatterns, maximumBytes: maximumPatterns * 1024)
    }

    // MARK: Parking

    /// Parks a waiter on a topic.
    public mutating func park(_ waiter: Waiter, on topic: TopicID) -> ID {
        groupOfTopic.reserve(through: Int(topic.rawValue)) { 0 }
        if groupOfTopic[Int(topic.rawValue)] == 0 {
            let group = newGroup()
            groups[Int(group)].topic = topic
            groupOfTopic[Int(topic.rawValue)] = group + 1
        }
        return append(waiter, to: groupOfTopic[Int(topic.rawValue)] - 1)
    }

    /// Parks a waiter on a valid pattern list; nil where there are too many distinct ones.
    public mutating func park(_ waiter: Waiter, onPattern text: Span<UInt8>) -> ID? {
        if let id = patterns.lookup(text) { return append(waiter, to: groupOfPattern[Int(id.rawValue)] - 1) }
        guard let id = try? patterns.intern(text) else { return nil }
        groupOfPattern.reserve(through: Int(id.rawValue)) { 0 }
        let group = newGroup()
        groups[Int(group)].pattern = id
        groupOfPattern[Int(id.rawValue)] = group + 1
        patternGroups += 1
        return append(waiter, to: group)
    }

    /// Takes a waiter out, answered or given up.
    public mutating func remove(_ id: ID) -> Waiter {
        let node = nodes[Int(id)]
        precondition(node.group != .max, "not parked")
        let group = Int(node.group)
        if node.previous == Self.none {
            groups[group].head = node.next
        } else {
            nodes[Int(node.previous)].next = node.next
        }
        if node.next == Self.none {
            groups[group].tail = node.previous
        } else {
            nodes[Int(node.next)].previous = node.previous
        }
        groups[group].waiters -= 1
        nodes[Int(id)].group = .max
        nodes[Int(id)].next = freeNode
        freeNode = id
        count -= 1
        return node.waiter
    }

    private mutating func append(_ waiter: Waiter, to group: UInt32) -> ID {
        if freeNode == Self.none { growNodes() }
        let id = freeNode
        freeNode = nodes[Int(id)].next
        let tail = groups[Int(group)].tail
        nodes[Int(id)] = Node(waiter: waiter, next: Self.none, previous: tail, group: group)
        if tail == Self.none { groups[Int(group)].head = id } else { nodes[Int(tail)].next = id }
        groups[Int(group)].tail = id
        groups[Int(group)].waiters += 1
        groups[Int(group)].idleSweeps = 0
        count += 1
        return id
    }

    private mutating func growNodes() {
        let begin = nodes.count
        nodes.reserve(through: begin) { Node() }
        for index in (begin..<nodes.count).reversed() {
            nodes[index].next = freeNode
            freeNode = UInt32(index)
        }
    }

    private mutating func newGroup() -> UInt32 {
        let group: UInt32
        if freeGroup != .max {
            group = freeGroup
            freeGroup = groups[Int(group)].nextDirty
        } else {
            group = UInt32(groupBound)
            groups.reserve(through: groupBound) { Group() }
            groupBound += 1
        }
        groups[Int(group)] = Group()
        groups[Int(group)].isUsed = true
        return group
    }

    // MARK: News

    /// Notes that a topic got messages: its group, and every pattern's that selects it, is to be served.
    public mutating func noteNews(_ topic: TopicID, name: Span<UInt8>) {
        if Int(topic.rawValue) < groupOfTopic.count, groupOfTopic[Int(topic.rawValue)] > 0 {
            markDirty(groupOfTopic[Int(topic.rawValue)] - 1)
        }
        guard patternGroups > 0 else { return }
        for index in 0..<patterns.indexBound where groupOfPattern[index] > 0 {
            let group = groupOfPattern[index] - 1
            guard groups[Int(group)].waiters > 0, !groups[Int(group)].isDirty else { continue }
            if TopicPattern.matches(patterns.bytes(of: InternedID(rawValue: UInt32(index))), topic: name) {
                markDirty(group)
            }
        }
    }

    private mutating func markDirty(_ group: UInt32) {
        guard groups[Int(group)].waiters > 0, !groups[Int(group)].isDirty else { return }
        groups[Int(group)].isDirty = true
        groups[Int(group)].nextDirty = .max
        if lastDirty == .max { firstDirty = group } else { groups[Int(lastDirty)].nextDirty = group }
        lastDirty = group
    }

    /// Whether any group is to be served.
    public var hasNews: Bool { firstDirty != .max }

    /// Takes the group that has waited longest to be served.
    public mutating func popNews() -> UInt32? {
        guard firstDirty != .max else { return nil }
        let group = firstDirty
        firstDirty = groups[Int(group)].nextDirty
        if firstDirty == .max { lastDirty = .max }
        groups[Int(group)].isDirty = false
        return group
    }

    /// Puts a group back that could not be served to its end.
    public mutating func pushNews(_ group: UInt32) { markDirty(group) }

    // MARK: Looking

    /// What a group waits for.
    public func selection(of group: UInt32) -> Selection {
        if let topic = groups[Int(group)].topic { return .topic(topic) }
        guard let pattern = groups[Int(group)].pattern else { preconditionFailure("a group without a selection") }
        return .pattern(pattern)
    }

    /// A parked pattern's text.
    @_lifetime(borrow self)
    public func text(of pattern: InternedID) -> Span<UInt8> { patterns.bytes(of: pattern) }

    /// A group's waiter that was parked first.
    public func first(of group: UInt32) -> ID { groups[Int(group)].head }

    /// The waiter parked behind `id` in its group.
    public func next(after id: ID) -> ID { nodes[Int(id)].next }

    public subscript(id: ID) -> Waiter {
        get { nodes[Int(id)].waiter }
        set { nodes[Int(id)].waiter = newValue }
    }

    // MARK: Ending

    /// Ends groups that have had no waiter for some sweeps; called about once a second.
    /// - Parameter ended: told of each topic nobody here waits for any more.
    /// - Returns: whether the last pattern went.
    public mutating func sweep(_ ended: (TopicID) -> Void) -> Bool {
        let hadPatterns = patternGroups > 0
        for index in 0..<groupBound where groups[index].isUsed && groups[index].waiters == 0 && !groups[index].isDirty {
            groups[index].idleSweeps += 1
            guard groups[index].idleSweeps > Self.idleSweepsKept else { continue }
            if let topic = groups[index].topic {
                groupOfTopic[Int(topic.rawValue)] = 0
                ended(topic)
            } else if let pattern = groups[index].pattern {
                groupOfPattern[Int(pattern.rawValue)] = 0
                _ = patterns.release(pattern)
                patternGroups -= 1
            }
            groups[index].isUsed = false
            groups[index].nextDirty = freeGroup
            freeGroup = UInt32(index)
        }
        return hadPatterns && patternGroups == 0
    }

    /// Gives up every pattern, whoever waits; called before the table ends, so that it ends empty.
    public mutating func end() {
        for index in 0..<groupBound where groups[index].isUsed {
            if let pattern = groups[index].pattern { _ = patterns.release(pattern) }
            groups[index].isUsed = false
        }
    }
}
