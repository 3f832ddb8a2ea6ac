import Arenas
import Testing

@testable import PubSub

/// A trie behind a class: a noncopyable value captured by an expectation upsets the compiler.
private final class TrieFixture {
    private var trie: PatternTrie

    init(maximumNodes: Int = 1_000_000) { trie = PatternTrie(maximumNodes: maximumNodes) }

    func insert(_ patterns: String, _ value: UInt32) -> Bool {
        let bytes = Array(patterns.utf8)
        return trie.insert(bytes.span, value: value)
    }

    func remove(_ patterns: String, _ value: UInt32) {
        let bytes = Array(patterns.utf8)
        trie.remove(bytes.span, value: value)
    }

    func match(_ topic: String) -> (values: [UInt32], visits: Int) {
        let bytes = Array(topic.utf8)
        var values: [UInt32] = []
        let visits = trie.match(bytes.span) { values.append($0) }
        return (values.sorted(), visits)
    }

    var nodeCount: Int { trie.nodeCount }
}

@Suite struct PatternTrieTests {
    @Test(arguments: [
        ("a", "a", true), ("a", "b", false), ("a", "a.b", false), ("a.b", "a", false), ("*", "a", true),
        ("*", "a.b", false), ("**", "a", true), ("**", "a.b.c", true), ("a.**", "a", false), ("a.**", "a.b", true),
        ("a.**", "a.b.c", true), ("a.*.c", "a.b.c", true), ("a.*.c", "a.b.d", false), ("*.*", "a.b", true),
        ("a,b", "b", true), ("a.*,**", "x", true), ("ab", "a", false), ("a", "ab", false),
    ])
    func selects(_ pattern: String, _ topic: String, _ isSelected: Bool) {
        let trie = TrieFixture()
        #expect(trie.insert(pattern, 7))
        #expect(trie.match(topic).values == (isSelected ? [7] : []))
        trie.remove(pattern, 7)
        #expect(trie.nodeCount == 0)
    }

    @Test func agreesWithMatchingEachPatternAsPatternsComeAndGo() {
        var random = SeededGenerator(seed: .random(in: 0 ... .max))
        let trie = TrieFixture()
        var held: [(pattern: String, value: UInt32)] = []
        func tokens(_ count: Int, _ pool: [String]) -> [String] {
            (0..<count).map { _ in pool.randomElement(using: &random)! }
        }
        for step in 0..<5000 {
            if held.count < 60 || (held.count < 200 && Bool.random(using: &random)) {
                let list = (0..<Int.random(in: 1...3, using: &random)).map { _ in
                    var parts = tokens(.random(in: 1...4, using: &random), ["a", "b", "cc", "*"])
                    if Int.random(in: 0..<4, using: &random) == 0 { parts[parts.count - 1] = "**" }
                    return parts.joined(separator: ".")
                }
                let pattern = list.joined(separator: ",")
                #expect(trie.insert(pattern, UInt32(step)))
                held.append((pattern, UInt32(step)))
            } else {
                let gone = held.remove(at: .random(in: 0..<held.count, using: &random))
                trie.remove(gone.pattern, gone.value)
            }
            let topic = tokens(.random(in: 1...5, using: &random), ["a", "b", "cc", "d"]).joined(separator: ".")
            let expected = held.filter {
                TopicPattern.matches(Array($0.pattern.utf8).span, topic: Array(topic.utf8).span)
            }
            let found = Set(trie.match(topic).values).sorted()
            #expect(found == expected.map(\.value).sorted(), "seed \(random.seed), step \(step), topic \(topic)")
        }
        for (pattern, value) in held { trie.remove(pattern, value) }
        #expect(trie.nodeCount == 0)
    }

    /// What a publish costs does not grow with the patterns that do not concern it.
    @Test(arguments: [10, 1000, 20_000])
    func looksAtNoPatternThatDoesNotRunThroughTheTopic(patterns: Int) {
        let trie = TrieFixture()
        for number in 0..<patterns {
            let pattern =
                switch number % 3 {
                case 0: "site-\(number).*"
                case 1: "site-\(number).**"
                default: "*.sensor-\(number)"
                }
            #expect(trie.insert(pattern, UInt32(number)))
        }
        let found = trie.match("site-3.sensor-5")
        #expect(found.values == [3, 5])
        // The root, `site-3`, its `*`, the root's `*`, and `sensor-5` below that.
        #expect(found.visits == 5)
        for number in 0..<patterns {
            trie.remove(
                number % 3 == 0 ? "site-\(number).*" : number % 3 == 1 ? "site-\(number).**" : "*.sensor-\(number)",
                UInt32(number))
        }
        #expect(trie.nodeCount == 0)
    }

    @Test func whereThereIsNoRoomNothingIsAdded() {
        let trie = TrieFixture(maximumNodes: 3)
        #expect(trie.insert("a.b", 1))
        #expect(!trie.insert("c.d", 2))
        #expect(!trie.insert("a.*,b,c", 3))
        #expect(trie.nodeCount == 2)
        #expect(trie.insert("a.*", 4))
        #expect(trie.match("a.b").values == [1, 4])
        trie.remove("a.b", 1)
        trie.remove("a.*", 4)
        #expect(trie.nodeCount == 0)
    }
}
