import Arenas

/// Deadlines of things known by a small index, one each: a hashed wheel (Varghese and Lauck, 1987).
///
/// Setting and cancelling are O(1) and allocate nothing once an index was used. A deadline fires at its time or up to
/// one step later, never before; those of an earlier step come first. Time is handed in; the wheel reads no clock. One
/// thread.
struct TimerWheel: ~Copyable {
    /// Milliseconds of one step.
    static let stepMilliseconds: UInt64 = 8
    /// Steps of one turn; deadlines further off go round more than once.
    static let slotCount = 1024

    struct Node: BitwiseCopyable {
        var step: UInt64 = 0
        var next = TimerWheel.none
        var previous = TimerWheel.none
        /// The list the node is in: a slot, the due list, or none.
        var list = TimerWheel.none
    }

    static let none = UInt32.max
    private static let dueList = UInt32(slotCount)

    private var nodes = StableArray<Node>()
    private var heads = StableArray<UInt32>()
    /// Which slots are not empty.
    private var occupied = InlineArray<16, UInt64>(repeating: 0)
    /// The end of the due list: what was due first comes out first.
    private var lastDue = TimerWheel.none
    private var currentStep: UInt64
    /// Deadlines that are set.
    private(set) var count = 0

    init(nowMilliseconds: UInt64) {
        currentStep = nowMilliseconds / Self.stepMilliseconds
        heads.reserve(through: Self.slotCount) { TimerWheel.none }
    }

    /// Sets, or moves, the deadline of `index`.
    mutating func set(_ index: Int, atMilliseconds deadline: UInt64) {
        if index >= nodes.count { nodes.reserve(through: index) { Node() } }
        let step = max((deadline + Self.stepMilliseconds - 1) / Self.stepMilliseconds, currentStep + 1)
        if nodes[index].list == Self.none {
            count += 1
        } else {
            // A busy connection's deadline moves with each request, mostly by less than a step. What is due already has
            // an earlier one.
            if nodes[index].step == step { return }
            unlink(index)
        }
        nodes[index].step = step
        link(index, to: UInt32(truncatingIfNeeded: step % UInt64(Self.slotCount)))
    }

    /// Whether `index` has a deadline that is not handed out yet.
    func isSet(_ index: Int) -> Bool { index < nodes.count && nodes[index].list != Self.none }

    /// Forgets the deadline of `index`, where it has one.
    mutating func cancel(_ index: Int) {
        guard index < nodes.count, nodes[index].list != Self.none else { return }
        unlink(index)
        count -= 1
    }

    /// Moves time on. What is due then comes out of `popDue`.
    mutating func advance(toMilliseconds now: UInt64) {
        let step = now / Self.stepMilliseconds
        guard step > currentStep else { return }
        // After a long pause every slot is looked at once.
        let first = max(currentStep + 1, step >= UInt64(Self.slotCount) ? step - UInt64(Self.slotCount) + 1 : 0)
        currentStep = step
        var next = first
        while next <= step {
            collect(slot: Int(next % UInt64(Self.slotCount)))
            next += 1
        }
    }

    /// Takes one index whose deadline has passed; nil when there is none.
    mutating func popDue() -> Int? {
        let index = heads[Int(Self.dueList)]
        guard index != Self.none else { return nil }
        unlink(Int(index))
        count -= 1
        return Int(index)
    }

    /// Milliseconds from `now` until something may be due; nil when nothing is set.
    func millisecondsUntilNext(nowMilliseconds now: UInt64) -> UInt64? {
        guard count > 0 else { return nil }
        if heads[Int(Self.dueList)] != Self.none { return 0 }
        // Word by word round the wheel, beginning behind the current step.
        var step = currentStep + 1
        let end = step + UInt64(Self.slotCount)
        while step < end {
            let slot = Int(step % UInt64(Self.slotCount))
            let word = occupied[slot >> 6] >> UInt64(slot & 63)
            if word != 0 {
                let due = (step + UInt64(word.trailingZeroBitCount)) * Self.stepMilliseconds
                return due > now ? due - now : 0
            }
            step += 64 - UInt64(slot & 63)
        }
        return nil
    }

    private mutating func collect(slot: Int) {
        guard occupied[slot >> 6] >> UInt64(slot & 63) & 1 == 1 else { return }
        var index = heads[slot]
        while index != Self.none {
            let next = nodes[Int(index)].next
            if nodes[Int(index)].step <= currentStep {
                unlink(Int(index))
                appendDue(Int(index))
            }
            index = next
        }
    }

    private mutating func link(_ index: Int, to list: UInt32) {
        let head = heads[Int(list)]
        nodes[index].next = head
        nodes[index].previous = Self.none
        nodes[index].list = list
        if head != Self.none { nodes[Int(head)].previous = UInt32(index) }
        heads[Int(list)] = UInt32(index)
        occupied[Int(list) >> 6] |= 1 << UInt64(list & 63)
    }

    private mutating func appendDue(_ index: Int) {
        nodes[index].next = Self.none
        nodes[index].previous = lastDue
        nodes[index].list = Self.dueList
        if lastDue == Self.none {
            heads[Int(Self.dueList)] = UInt32(index)
        } else {
            nodes[Int(lastDue)].next = UInt32(index)
        }
        lastDue = UInt32(index)
    }

    private mutating func unlink(_ index: Int) {
        let node = nodes[index]
        if node.previous == Self.none {
            heads[Int(node.list)] = node.next
            if node.next == Self.none, node.list != Self.dueList {
                occupied[Int(node.list) >> 6] &= ~(1 << UInt64(node.list & 63))
            }
        } else {
            nodes[Int(node.previous)].next = node.next
        }
        if node.next != Self.none {
            nodes[Int(node.next)].previous = node.previous
        } else if node.list == Self.dueList {
            lastDue = node.previous
        }
        nodes[index].list = Self.none
    }
}
