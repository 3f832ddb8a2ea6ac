// The trie is the library's own matter: only scripts/fuzz.sh builds it so that it can be reached from outside.
#if FUZZING
    import Arenas
    @testable import PubSub

    /// Takes a line for a selection and the next for a topic, and traps where a promise breaks: a rule that is broken is
    /// found inside the text; what a naive matcher says the matcher and the trie say too; what leaves the trie is gone.
    func fuzzPattern(_ bytes: Span<UInt8>) {
        var end = 0
        while end < bytes.count, bytes[end] != 0x0A { end += 1 }
        let selection = bytes.extracting(0..<end)
        let topic = bytes.extracting(min(end + 1, bytes.count)..<bytes.count)
        let kind: TopicPattern.Kind
        do throws(TopicError) {
            kind = try TopicPattern.validate(selection)
        } catch {
            precondition(error.offset >= 0 && error.offset <= selection.count, "an offset outside the selection")
            return
        }
        guard isTopic(topic) else { return }
        let expected = matchesNaively(array(selection), array(topic))
        precondition(TopicPattern.matches(selection, topic: topic) == expected, "the matcher says otherwise")
        precondition(
            kind == .pattern || expected == (array(selection) == array(topic)), "a selection of one topic is no pattern"
        )
        checkTrie(selection, topic, expected)
    }

    private func checkTrie(_ selection: Span<UInt8>, _ topic: Span<UInt8>, _ expected: Bool) {
        var trie = PatternTrie(maximumNodes: 512)
        // One more that always matches must neither hide the other nor leave with it.
        let all = Array("**".utf8)
        guard trie.insert(all.span, value: 2), trie.insert(selection, value: 1) else {
            preconditionFailure("no room for one selection")
        }
        precondition(found(1, trie, topic) == expected, "the trie says otherwise")
        precondition(found(2, trie, topic), "the trie lost a pattern")
        trie.remove(selection, value: 1)
        precondition(!found(1, trie, topic), "the trie kept what was removed")
        precondition(found(2, trie, topic), "the trie lost a pattern with another")
    }

    private func found(_ value: UInt32, _ trie: borrowing PatternTrie, _ topic: Span<UInt8>) -> Bool {
        var isFound = false
        _ = trie.match(topic) { if $0 == value { isFound = true } }
        return isFound
    }

    private func isTopic(_ text: Span<UInt8>) -> Bool {
        do throws(TopicError) {
            try TopicName.validate(text)
            return true
        } catch {
            precondition(error.offset >= 0 && error.offset <= text.count, "an offset outside the topic")
            return false
        }
    }

    /// By the rules' words: patterns at commas, tokens at dots, `*` for one, a last `**` for one or more.
    private func matchesNaively(_ selection: [UInt8], _ topic: [UInt8]) -> Bool {
        let names = topic.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map(Array.init)
        return selection.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).contains { pattern in
            var tokens = pattern.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map(Array.init)
            if tokens.last == Array("**".utf8) {
                guard names.count >= tokens.count else { return false }
                tokens.removeLast()
            } else if names.count != tokens.count {
                return false
            }
            return zip(tokens, names).allSatisfy { $0 == Array("*".utf8) || $0 == $1 }
        }
    }

    func array(_ bytes: Span<UInt8>) -> [UInt8] {
        var array: [UInt8] = []
        for index in bytes.indices { array.append(bytes[index]) }
        return array
    }
#endif
