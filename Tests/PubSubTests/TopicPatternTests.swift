import Testing

@testable import PubSub

@Suite struct TopicPatternTests {
    private func matches(_ pattern: String, _ topic: String) -> Bool {
        TopicPattern.matches(Array(pattern.utf8).span, topic: Array(topic.utf8).span)
    }

    private func refusal(_ pattern: String) -> TopicError? {
        do throws(TopicError) {
            _ = try TopicPattern.validate(Array(pattern.utf8).span)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: [
        ("a", "a", true), ("a", "ab", false), ("ab", "a", false), ("a.b", "a.b", true),
        ("*", "a", true), ("*", "a.b", false), ("a.*", "a.b", true), ("a.*", "a", false), ("a.*", "a.b.c", false),
        ("*.b", "a.b", true), ("a.*.c", "a.b.c", true), ("a.*.c", "a.b.d", false), ("*.*", "a.b", true),
        ("**", "a", true), ("**", "a.b.c", true), ("a.**", "a.b.c", true), ("a.**", "a.b", true), ("a.**", "a", false),
        ("a.**", "ab.c", false), ("*.**", "a.b", true), ("*.**", "a", false),
        ("a,b", "b", true), ("a,b", "c", false), ("x.*,a.**", "a.b.c", true), ("a,a.b", "a.b", true),
    ])
    func matching(_ pattern: String, _ topic: String, _ expected: Bool) {
        #expect(matches(pattern, topic) == expected)
    }

    @Test func tellsExactNamesFromPatterns() throws {
        #expect(try TopicPattern.validate(Array("a.b".utf8).span) == .exact)
        #expect(try TopicPattern.validate(Array("a.*".utf8).span) == .pattern)
        #expect(try TopicPattern.validate(Array("a,b".utf8).span) == .pattern)
    }

    @Test(arguments: [
        ("a*", TopicError.Rule.partialWildcard, 1), ("*a", .partialWildcard, 0), ("a.b*", .partialWildcard, 3),
        ("**.a", .wildcardNotLast, 0), ("a.**.b", .wildcardNotLast, 2), ("***", .wildcardNotLast, 0),
        ("a,", .empty, 2), (",a", .empty, 0), ("a,,b", .empty, 2), ("a,b c", .invalidByte, 3), ("a,$b", .reserved, 2),
        ("a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", .tooManyPatterns, 32),
    ])
    func refuses(_ pattern: String, _ rule: TopicError.Rule, _ offset: Int) {
        #expect(refusal(pattern) == TopicError(rule, offset: offset))
    }

    @Test func takesSixteenPatterns() { #expect(refusal("a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p") == nil) }

    /// An independent matcher over arrays of tokens.
    private func model(_ pattern: String, _ topic: String) -> Bool {
        pattern.split(separator: ",", omittingEmptySubsequences: false).contains { alternative in
            let tokens = alternative.split(separator: ".")
            let names = topic.split(separator: ".")
            for (index, token) in tokens.enumerated() {
                if token == "**" { return names.count > index }
                guard index < names.count, token == "*" || token == names[index] else { return false }
            }
            return tokens.count == names.count
        }
    }

    @Test func agreesWithAnIndependentMatcher() {
        var random = SeededGenerator(seed: .random(in: 0 ... .max))
        for _ in 0..<20_000 {
            func tokens(_ choices: [String]) -> String {
                (0..<Int.random(in: 1...4, using: &random)).map { _ in choices.randomElement(using: &random) ?? "" }
                    .joined(separator: ".")
            }
            let topic = tokens(["a", "b", "ab"])
            var pattern = tokens(["a", "b", "ab", "*"])
            if Bool.random(using: &random) { pattern += ".**" }
            if Bool.random(using: &random) { pattern += "," + tokens(["a", "b", "*"]) }
            #expect(matches(pattern, topic) == model(pattern, topic), "\(pattern) on \(topic), seed \(random.seed)")
        }
    }
}

/// A generator that replays from its seed.
struct SeededGenerator: RandomNumberGenerator {
    let seed: UInt64
    private var state: UInt64

    init(seed: UInt64) {
        self.seed = seed
        state = seed
    }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
