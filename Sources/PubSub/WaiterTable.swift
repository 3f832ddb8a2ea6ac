import Arenas

/// A parked poll or a stream: who waits, behind which position, for how much. It holds nothing else.
public struct Waiter: BitwiseCopyable, Sendable {
    /// Whoever parked it knows what this means; a connection's id, say.
    public var token: UInt64
    /// Nothing selected stands up to here.
    public var position: UInt64
    /// The last position the client knows: a poll named it itself, a stream was told.
    public var next: UInt64
    /// Most messages of the answer.
    public var limit: UInt16
    /// Passed over for now: a stream that reads on its own until it has caught up.
    public var isHeld = false
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

/// The waiters of one loop, grouped by what they subscribe to. One thread.
///
/// Parking, waking and giving up are O(1) and allocate nothing in steady state; the groups that a topic's news concern
/// are found by its id and by a walk down the patterns' tokens. Groups that lost their last waiter stay a while, since a
/// long poll comes back; `sweep` ends them.
public struct WaiterTable: ~Copyable {
    /// A parked waiter's number, until it is removed.
    public typealias ID = UInt32
    public static let none: ID = .max

    struct Node: BitwiseCopyable {
        var waiter = Waiter(token: 0, position: 0, next: 0, limit: 0, form: 0)
        var next = WaiterTable.none
        var previous = WaiterTable.none
        var group = WaiterGroup.none
    }

    /// The groups of one topic.
    struct TopicGroups: BitwiseCopyable {
        /// Without a filter.
        var plain = WaiterGroup.none
        /// The first of those with one.
        var filtered = WaiterGroup.none
    }

    private var nodes = StableArray<Node>()
    private var freeNode = WaiterTable.none
    private var groups = WaiterGroups()
    private var topics = StableArray<TopicGroups>()
    /// A subscription's group, by the subscription's number.
    private var groupOfSubscription = StableArray<UInt32>()
    private var subscriptions: InternPool
    private var patterns: PatternTrie
    private var patternGroups = 0
    /// Parked reads.
    public private(set) var count = 0

    /// Sweeps a group stays without a waiter before it is ended.
    private static let idleSweepsKept: UInt8 = 10

    /// - Parameter maximumPatterns: most distinct subscriptions by pattern or filter at a time.
    public init(maximumPatterns: Int = 100_000) {
        subscriptions = InternPool(maximumCount: maximumPatterns, maximumBytes: maximumPatterns * 1024)
        patterns = PatternTrie(maximumNodes: maximumPatterns * 4)
    }

    // MARK: Parking

    /// Parks a waiter.
    /// - Parameter topic: the topic that the subscription names, and that is watched; nil where it is a pattern.
    /// - Returns: nil where there are too many distinct patterns and filters.
    public mutating func park(
        _ waiter: Waiter, for subscription: borrowing Subscription, on topic: TopicID?
    ) -> ID? {
        guard let group = group(for: subscription, on: topic) else { return nil }
        return append(waiter, to: group)
    }

    private mutating func group(for subscription: borrowing Subscription, on topic: TopicID?) -> UInt32? {
        if let topic, subscription.filter.isEmpty { return group(of: topic) }
        if let id = subscriptions.lookup(subscription.packed) { return groupOfSubscription[Int(id.rawValue)] }
        guard let id = try? subscriptions.intern(subscription.packed) else { return nil }
        let group = groups.make()
        groups[group].subscription = id
        if let topic {
            linkFiltered(group, to: topic)
        } else if patterns.insert(subscription.topics, value: group) {
            patternGroups += 1
        } else {
            _ = subscriptions.release(id)
            groups.free(group)
            return nil
        }
        groupOfSubscription.reserve(through: Int(id.rawValue)) { WaiterGroup.none }
        groupOfSubscription[Int(id.rawValue)] = group
        return group
    }

    /// The group of a topic without a filter.
    private mutating func group(of topic: TopicID) -> UInt32 {
        topics.reserve(through: Int(topic.rawValue)) { TopicGroups() }
        let known = topics[Int(topic.rawValue)].plain
        guard known == WaiterGroup.none else { return known }
        let group = groups.make()
        groups[group].topic = topic
        topics[Int(topic.rawValue)].plain = group
        return group
    }

    private mutating func linkFiltered(_ group: UInt32, to topic: TopicID) {
        topics.reserve(through: Int(topic.rawValue)) { TopicGroups() }
        let next = topics[Int(topic.rawValue)].filtered
        groups[group].topic = topic
        groups[group].nextOfTopic = next
        if next != WaiterGroup.none { groups[next].previousOfTopic = group }
        topics[Int(topic.rawValue)].filtered = group
    }

    /// Takes a waiter out, answered or given up.
    public mutating func remove(_ id: ID) -> Waiter {
        let node = nodes[Int(id)]
        precondition(node.group != WaiterGroup.none, "not parked")
        let group = node.group
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
        if groups[group].resume == id { groups[group].resume = node.next }
        nodes[Int(id)].group = WaiterGroup.none
        nodes[Int(id)].next = freeNode
        freeNode = id
        count -= 1
        return node.waiter
    }

    private mutating func append(_ waiter: Waiter, to group: UInt32) -> ID {
        if freeNode == Self.none { growNodes() }
        let id = freeNode
        freeNode = nodes[Int(id)].next
        let tail = groups[group].tail
        nodes[Int(id)] = Node(waiter: waiter, next: Self.none, previous: tail, group: group)
        if tail == Self.none { groups[group].head = id } else { nodes[Int(tail)].next = id }
        groups[group].tail = id
        groups[group].waiters += 1
        groups[group].idleSweeps = 0
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

    // MARK: News

    /// Notes that a topic got messages: its groups, and every pattern's that selects it, are to be served.
    public mutating func noteNews(_ topic: TopicID, name: Span<UInt8>) {
        if Int(topic.rawValue) < topics.count {
            let known = topics[Int(topic.rawValue)]
            if known.plain != WaiterGroup.none { groups.markDirty(known.plain) }
            var group = known.filtered
            while group != WaiterGroup.none {
                groups.markDirty(group)
                group = groups[group].nextOfTopic
            }
        }
        guard patternGroups > 0 else { return }
        Self.mark(&groups, selecting: name, by: patterns)
    }

    private static func mark(
        _ groups: inout WaiterGroups, selecting name: Span<UInt8>, by patterns: borrowing PatternTrie
    ) {
        patterns.match(name) { groups.markDirty($0) }
    }

    /// Whether any group is to be served.
    public var hasNews: Bool { groups.hasDirty }

    /// Takes the group that has waited longest to be served.
    public mutating func popNews() -> UInt32? { groups.popDirty() }

    /// Puts a group back whose round stopped before `waiter`; the next round begins there.
    public mutating func pushNews(_ group: UInt32, resumingAt waiter: ID) {
        groups[group].resume = waiter
        groups.markDirty(group)
    }

    /// Puts a group back for another round.
    public mutating func pushNews(_ group: UInt32) { groups.markDirty(group) }

    // MARK: Looking

    /// The group that a waiter is in.
    public func group(of id: ID) -> UInt32 { nodes[Int(id)].group }

    /// Whether there is a group for a topic.
    public func waits(for topic: TopicID) -> Bool {
        guard Int(topic.rawValue) < topics.count else { return false }
        let known = topics[Int(topic.rawValue)]
        return known.plain != WaiterGroup.none || known.filtered != WaiterGroup.none
    }

    /// Whether a group's subscription has a filter.
    public func hasFilter(_ group: UInt32) -> Bool { !subscription(of: group).filter.isEmpty }

    /// The one topic a group waits for; nil where its subscription is a pattern.
    public func topic(of group: UInt32) -> TopicID? { groups[group].topic }

    /// What a group waits for; empty where that is its topic without a filter.
    @_lifetime(borrow self)
    public func subscription(of group: UInt32) -> Subscription {
        guard let id = groups[group].subscription else { return Subscription(packed: Span()) }
        return Subscription(packed: subscriptions.bytes(of: id))
    }

    /// Where a round over a group's waiters begins: with its first one, or where the last round stopped.
    /// - Returns: the waiter, and whether the round is the rest of an earlier one.
    public mutating func beginRound(_ group: UInt32) -> (first: ID, isRest: Bool) {
        let resume = groups[group].resume
        groups[group].resume = Self.none
        return resume == Self.none ? (groups[group].head, false) : (resume, true)
    }

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
        for group in 0..<groups.bound where groups[group].isUsed && groups[group].waiters == 0 && !groups[group].isDirty
        {
            groups[group].idleSweeps += 1
            guard groups[group].idleSweeps > Self.idleSweepsKept else { continue }
            end(group, ended)
        }
        return hadPatterns && patternGroups == 0
    }

    private mutating func end(_ group: UInt32, _ ended: (TopicID) -> Void) {
        let topic = groups[group].topic
        if let id = groups[group].subscription {
            if let topic {
                unlinkFiltered(group, from: topic)
            } else {
                Self.remove(group, from: &patterns, subscriptions, id)
                patternGroups -= 1
            }
            _ = subscriptions.release(id)
        } else if let topic {
            topics[Int(topic.rawValue)].plain = WaiterGroup.none
        }
        groups.free(group)
        guard let topic else { return }
        if !waits(for: topic) { ended(topic) }
    }

    private static func remove(
        _ group: UInt32, from patterns: inout PatternTrie, _ subscriptions: borrowing InternPool, _ id: InternedID
    ) {
        patterns.remove(Subscription(packed: subscriptions.bytes(of: id)).topics, value: group)
    }

    private mutating func unlinkFiltered(_ group: UInt32, from topic: TopicID) {
        let (previous, next) = (groups[group].previousOfTopic, groups[group].nextOfTopic)
        if previous == WaiterGroup.none {
            topics[Int(topic.rawValue)].filtered = next
        } else {
            groups[previous].nextOfTopic = next
        }
        if next != WaiterGroup.none { groups[next].previousOfTopic = previous }
    }

    /// Ends every group, whoever waits; called before the table ends, so that it ends empty.
    public mutating func end() {
        for group in 0..<groups.bound where groups[group].isUsed { end(group) { _ in } }
    }
}
