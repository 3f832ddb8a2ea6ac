import Arenas

/// Waiters with the same subscription, as a list through the waiters' table.
struct WaiterGroup: BitwiseCopyable {
    static let none = UInt32.max

    /// The one topic the group waits for; none where its subscription is a pattern.
    var topic: TopicID?
    /// The subscription; none where it is the topic without a filter.
    var subscription: InternedID?
    /// The other groups of the same topic that have a filter.
    var nextOfTopic = WaiterGroup.none
    var previousOfTopic = WaiterGroup.none
    var head = WaiterTable.none
    var tail = WaiterTable.none
    /// Where the next round begins, where the last one stopped on its way.
    var resume = WaiterTable.none
    var waiters = 0
    /// The next group that is to be served, or that is free.
    var next = WaiterGroup.none
    var isDirty = false
    var isUsed = false
    var idleSweeps: UInt8 = 0
}

/// The groups, those that are free, and the queue of those that are to be served.
struct WaiterGroups: ~Copyable {
    private var groups = StableArray<WaiterGroup>()
    private var firstFree = WaiterGroup.none
    private var firstDirty = WaiterGroup.none
    private var lastDirty = WaiterGroup.none
    /// Every group's number is below it.
    private(set) var bound: UInt32 = 0

    subscript(group: UInt32) -> WaiterGroup {
        _read { yield groups[Int(group)] }
        _modify { yield &groups[Int(group)] }
    }

    mutating func make() -> UInt32 {
        var group = firstFree
        if group != WaiterGroup.none {
            firstFree = self[group].next
        } else {
            group = bound
            groups.reserve(through: Int(group)) { WaiterGroup() }
            bound += 1
        }
        self[group] = WaiterGroup()
        self[group].isUsed = true
        return group
    }

    mutating func free(_ group: UInt32) {
        self[group].isUsed = false
        self[group].next = firstFree
        firstFree = group
    }

    /// Queues a group that has waiters, unless it is queued.
    mutating func markDirty(_ group: UInt32) {
        guard self[group].waiters > 0, !self[group].isDirty else { return }
        self[group].isDirty = true
        self[group].next = WaiterGroup.none
        if lastDirty == WaiterGroup.none { firstDirty = group } else { self[lastDirty].next = group }
        lastDirty = group
    }

    var hasDirty: Bool { firstDirty != WaiterGroup.none }

    /// Takes the group that has been queued longest.
    mutating func popDirty() -> UInt32? {
        guard firstDirty != WaiterGroup.none else { return nil }
        let group = firstDirty
        firstDirty = self[group].next
        if firstDirty == WaiterGroup.none { lastDirty = WaiterGroup.none }
        self[group].isDirty = false
        return group
    }
}
