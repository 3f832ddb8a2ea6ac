import Arenas
import Testing

@testable import PubSub

/// A table behind a class: a noncopyable value captured by an expectation upsets the compiler.
private final class TableFixture {
    private var table = WaiterTable()

    func park(_ token: UInt64, on topic: UInt32, filter: String = "") -> WaiterTable.ID {
        let bytes = Array((filter.isEmpty ? "a" : "a\0\(filter)").utf8)
        let id = table.park(
            Self.waiter(token), for: Subscription(packed: bytes.span), on: TopicID(rawValue: topic))
        return id ?? WaiterTable.none
    }

    func park(_ token: UInt64, onPattern text: String) -> WaiterTable.ID? {
        let bytes = Array(text.utf8)
        return table.park(Self.waiter(token), for: Subscription(packed: bytes.span), on: nil)
    }

    func waits(for topic: UInt32) -> Bool { table.waits(for: TopicID(rawValue: topic)) }

    /// Walks a group's round until `count` waiters were seen.
    func round(_ group: UInt32, _ count: Int) -> (tokens: [UInt64], isRest: Bool) {
        var (id, isRest) = table.beginRound(group)
        var tokens: [UInt64] = []
        while id != WaiterTable.none {
            if tokens.count == count {
                table.pushNews(group, resumingAt: id)
                break
            }
            tokens.append(table[id].token)
            id = table.next(after: id)
        }
        return (tokens, isRest)
    }

    func remove(_ id: WaiterTable.ID) -> UInt64 { table.remove(id).token }

    func note(_ topic: UInt32, _ name: String = "a") {
        let bytes = Array(name.utf8)
        table.noteNews(TopicID(rawValue: topic), name: bytes.span)
    }

    func pop() -> UInt32? { table.popNews() }
    func push(_ group: UInt32) { table.pushNews(group) }
    var count: Int { table.count }
    var hasNews: Bool { table.hasNews }

    func served() -> [UInt64] {
        var tokens: [UInt64] = []
        while let group = table.popNews() {
            var id = table.beginRound(group).first
            while id != WaiterTable.none {
                tokens.append(table[id].token)
                id = table.next(after: id)
            }
        }
        return tokens
    }

    func sweep() -> (ended: [UInt32], patternsEnded: Bool) {
        var ended: [UInt32] = []
        let patternsEnded = table.sweep { ended.append($0.rawValue) }
        return (ended, patternsEnded)
    }

    deinit { table.end() }

    private static func waiter(_ token: UInt64) -> Waiter {
        Waiter(token: token, position: 0, next: 0, limit: 1, form: 0)
    }
}

@Suite struct WaiterTableTests {
    @Test func servesThoseWhoWaitForTheTopicInTheOrderTheyCame() {
        let table = TableFixture()
        for token in 1...3 { _ = table.park(UInt64(token), on: 5) }
        _ = table.park(9, on: 6)
        table.note(5)
        #expect(table.served() == [1, 2, 3])
        #expect(!table.hasNews && table.count == 4)
    }

    @Test func patternsAreServedWhereTheyMatch() {
        let table = TableFixture()
        _ = table.park(1, onPattern: "orders.eu.*")
        _ = table.park(2, onPattern: "orders.**")
        _ = table.park(3, onPattern: "orders.**")
        table.note(1, "orders.us.new")
        #expect(table.served() == [2, 3])
        table.note(2, "orders.eu.new")
        #expect(table.served().sorted() == [1, 2, 3])
    }

    @Test func aRemovedWaiterIsNotServedAndItsPlaceIsUsedAgain() {
        let table = TableFixture()
        let ids = (1...3).map { table.park(UInt64($0), on: 1) }
        #expect(table.remove(ids[1]) == 2)
        #expect(table.park(4, on: 1) == ids[1])
        table.note(1)
        #expect(table.served() == [1, 3, 4])
        #expect(table.remove(ids[0]) == 1)
        #expect(table.remove(ids[2]) == 3)
        #expect(table.count == 1)
    }

    @Test func groupsWithoutWaitersEndAfterAWhile() throws {
        let table = TableFixture()
        let id = table.park(1, on: 7)
        let other = try #require(table.park(2, onPattern: "a.*"))
        _ = table.remove(id)
        _ = table.remove(other)
        let sweeps = (0..<20).map { _ in table.sweep() }
        #expect(sweeps.flatMap(\.ended) == [7])
        #expect(sweeps.filter(\.patternsEnded).count == 1)
        _ = table.park(3, onPattern: "a.*")
        table.note(1, "a.b")
        #expect(table.served() == [3])
    }

    @Test func aGroupThatWasNotServedToItsEndComesBack() throws {
        let table = TableFixture()
        _ = table.park(1, on: 1)
        table.note(1)
        let group = try #require(table.pop())
        table.push(group)
        #expect(table.pop() == group)
        #expect(table.pop() == nil)
    }

    @Test func aRoundThatStoppedGoesOnWhereItDid() throws {
        let table = TableFixture()
        let ids = (1...5).map { table.park(UInt64($0), on: 1) }
        table.note(1)
        let group = try #require(table.pop())
        #expect(table.round(group, 2) == ([1, 2], false))
        #expect(table.pop() == group)
        // The one it would go on with leaves.
        table.push(group)
        _ = table.remove(ids[2])
        #expect(table.round(group, 9) == ([4, 5], true))
        #expect(table.round(group, 9) == ([1, 2, 4, 5], false))
    }

    @Test func eachFilterOfATopicIsAGroupOfItsOwn() throws {
        let table = TableFixture()
        let ids = [
            table.park(1, on: 3), table.park(2, on: 3, filter: "x"), table.park(3, on: 3, filter: "y"),
            table.park(4, on: 3, filter: "x"), table.park(5, on: 4, filter: "z"),
        ]
        table.note(3)
        #expect(table.served().sorted() == [1, 2, 3, 4])
        // The topic is waited for as long as any of its groups is there.
        for id in [ids[0], ids[1], ids[3]] { _ = table.remove(id) }
        #expect((0..<20).flatMap { _ in table.sweep().ended } == [])
        table.note(3)
        #expect(table.served() == [3])
        _ = table.remove(ids[2])
        #expect((0..<20).flatMap { _ in table.sweep().ended } == [3])
        #expect(!table.waits(for: 3) && table.waits(for: 4))
    }

    @Test func agreesWithASimpleModel() {
        var random = SeededGenerator(seed: .random(in: 0 ... .max))
        let table = TableFixture()
        var model: [UInt32: [(id: WaiterTable.ID, token: UInt64)]] = [:]
        for step in 0..<20_000 {
            let topic = UInt32.random(in: 0..<40, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0, 1:
                model[topic, default: []].append((table.park(UInt64(step), on: topic), UInt64(step)))
            case 2:
                guard let victim = model[topic]?.randomElement(using: &random) else { continue }
                #expect(table.remove(victim.id) == victim.token)
                model[topic]?.removeAll { $0.id == victim.id }
            default:
                table.note(topic)
                #expect(table.served() == model[topic, default: []].map(\.token), "seed \(random.seed)")
            }
        }
        #expect(table.count == model.values.map(\.count).reduce(0, +))
    }
}
