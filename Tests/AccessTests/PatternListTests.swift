import PubSub
import Testing

@testable import Access

@Suite struct PatternListTests {
    @Test(arguments: [
        ("orders.**", "orders.*", true), ("orders.**", "orders.eu.created", true), ("orders.**", "orders.*.x", true),
        ("orders.**", "orders.**", true), ("orders.**", "orders.*.**", true), ("orders.**", "orders", false),
        ("orders.**", "**", false), ("orders.**", "*.eu", false), ("orders.**", "ordersx.a", false),
        ("orders.*", "orders.eu", true), ("orders.*", "orders.*", true), ("orders.*", "orders.**", false),
        ("orders.*", "orders.eu.x", false), ("orders.*", "orders", false), ("*", "*", true), ("*", "a", true),
        ("*", "**", false), ("**", "**", true), ("**", "a,*,a.**", true), ("a", "a", true), ("a", "*", false),
        ("a.*.c", "a.b.c", true), ("a.*.c", "a.*.c", true), ("a.*.c", "a.b.*", false), ("*.**", "**", false),
        ("*.**", "a.**", true), ("a,b.*", "a,b.x", true), ("a,b.*", "a,c", false), ("a.*,a.*.**", "a.**", false),
        ("a", "", false), ("a", "a,", false), ("**", "$sys", false), ("**", "a,$sys.x", false),
    ])
    func covers(_ granted: String, _ wanted: String, _ expected: Bool) {
        #expect(patterns(granted).covers(wanted) == expected)
    }

    @Test func anEmptyListCoversAndMatchesNothing() {
        let list = PatternList()
        for text in ["", "a", "*", "**"] {
            #expect(!list.covers(text))
            #expect(!list.matches(text))
        }
    }

    @Test func aReservedNameIsInNoGrant() {
        #expect(patterns("**").matches("a"))
        #expect(!patterns("**").matches("$a"))
    }

    /// All topics of up to four tokens over an alphabet that has one token more than the patterns do.
    private static let topics: [[String]] = {
        let tokens = ["a", "b", "other"]
        var all: [[String]] = []
        var last: [[String]] = [[]]
        for _ in 0..<4 {
            last = last.flatMap { topic in tokens.map { topic + [$0] } }
            all += last
        }
        return all
    }()

    private static func randomPattern(_ random: inout SeededGenerator) -> String {
        var tokens = (0..<Int.random(in: 0...2, using: &random)).map { _ in
            ["a", "b", "*"].randomElement(using: &random) ?? ""
        }
        tokens.append(["a", "b", "*", "**"].randomElement(using: &random) ?? "")
        return tokens.joined(separator: ".")
    }

    private static func model(_ pattern: String, _ topic: [String]) -> Bool {
        let tokens = pattern.split(separator: ".")
        for (index, token) in tokens.enumerated() {
            if token == "**" { return topic.count > index }
            guard index < topic.count, token == "*" || token == topic[index] else { return false }
        }
        return tokens.count == topic.count
    }

    /// A read is allowed exactly where each of its alternatives selects nothing that one of the granted patterns does not
    /// match: the answer of counting all topics.
    @Test func agreesWithCountingAllTopics() {
        var random = SeededGenerator()
        var allowed = 0
        for _ in 0..<5000 {
            let granted = (0..<Int.random(in: 1...3, using: &random)).map { _ in Self.randomPattern(&random) }
            let wanted = (0..<Int.random(in: 1...2, using: &random)).map { _ in Self.randomPattern(&random) }
            let expected = wanted.allSatisfy { alternative in
                let selected = Self.topics.filter { Self.model(alternative, $0) }
                return granted.contains { pattern in selected.allSatisfy { Self.model(pattern, $0) } }
            }
            let list = patterns(granted.joined(separator: ","))
            let answer = list.covers(wanted.joined(separator: ","))
            #expect(answer == expected, "\(granted) for \(wanted), seed \(random.seed)")
            if expected { allowed += 1 }
        }
        #expect(allowed > 500, "too few that are allowed, seed \(random.seed)")
    }

    /// What may be read by a pattern may be read by name, and nothing is delivered that could not be.
    @Test func whatASelectionBringsIsGrantedToo() {
        var random = SeededGenerator()
        for _ in 0..<2000 {
            let list = patterns([Self.randomPattern(&random), Self.randomPattern(&random)].joined(separator: ","))
            let wanted = [Self.randomPattern(&random), Self.randomPattern(&random)].joined(separator: ",")
            guard list.covers(wanted) else { continue }
            for topic in Self.topics {
                let name = topic.joined(separator: ".")
                guard TopicPattern.matches(wanted.bytes.span, topic: name.bytes.span) else { continue }
                #expect(list.matches(name), "seed \(random.seed)")
                #expect(list.covers(name), "seed \(random.seed)")
            }
        }
    }

    private func refusal(_ text: String) -> PatternListError? {
        do throws(PatternListError) {
            _ = try PatternList(parsing: text.bytes.span)
            return nil
        } catch {
            return error
        }
    }

    @Test func refusesWhatIsNoPattern() {
        func isPattern(_ error: PatternListError?, _ number: Int, _ rule: TopicError.Rule) -> Bool {
            guard case .pattern(number, let error)? = error else { return false }
            return error.rule == rule
        }
        #expect(isPattern(refusal(""), 1, .empty))
        #expect(isPattern(refusal("a,"), 2, .empty))
        #expect(isPattern(refusal("a,b*"), 2, .partialWildcard))
        #expect(isPattern(refusal("a,b,**.c"), 3, .wildcardNotLast))
        #expect(isPattern(refusal("$sys"), 1, .reserved))
    }

    @Test func takesSixtyFourPatternsAndNotOneMore() {
        let most = (0..<64).map { "t\($0)" }
        #expect(patterns(most.joined(separator: ",")).count == 64)
        #expect(patterns(most.joined(separator: ",")).matches("t63"))
        #expect(refusal((most + ["x"]).joined(separator: ",")) == .tooMany)
    }

    @Test func takesOnePatternAtATime() {
        var list = PatternList()
        #expect(throws: PatternListError.severalInOne(number: 1)) { try list.append("a,b") }
        #expect(list == PatternList())
    }
}
