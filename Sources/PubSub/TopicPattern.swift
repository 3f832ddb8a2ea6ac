/// What a read selects: topic names and patterns joined by commas. In a pattern the token `*` stands for one
/// token and a last `**` for one or more.
///
/// A pattern is kept as its text and matched as it stands, so that holding or comparing one needs no memory of
/// its own.
public enum TopicPattern {
    /// Most patterns one read may join; bounds the work of a match.
    public static let maximumPatterns = 16

    /// What `validate` found a selection to be.
    public enum Kind: Sendable {
        /// One topic without wildcards: an index answers it.
        case exact
        /// Anything else: topics are matched.
        case pattern
    }

    /// Checks a selection.
    /// - Throws: the first rule broken, with the byte offset in the whole text.
    public static func validate(_ text: Span<UInt8>) throws(TopicError) -> Kind {
        var kind = Kind.exact
        var count = 0
        var start = 0
        while true {
            let end = alternativeEnd(text, from: start)
            count += 1
            guard count <= maximumPatterns else { throw TopicError(.tooManyPatterns, offset: start) }
            do throws(TopicError) {
                try TopicName.validate(text.extracting(start..<end), allowingWildcards: true)
            } catch {
                throw TopicError(error.rule, offset: start + error.offset)
            }
            if text.extracting(start..<end).contains(UInt8(ascii: "*")) { kind = .pattern }
            guard end < text.count else { break }
            kind = .pattern
            start = end + 1
        }
        return kind
    }

    /// Whether the valid selection `text` selects `topic`.
    public static func matches(_ text: Span<UInt8>, topic: Span<UInt8>) -> Bool {
        var start = 0
        while start <= text.count {
            let end = alternativeEnd(text, from: start)
            if matchesOne(text, start, end, topic) { return true }
            start = end + 1
        }
        return false
    }

    static func alternativeEnd(_ text: Span<UInt8>, from start: Int) -> Int {
        var end = start
        while end < text.count, text[end] != UInt8(ascii: ",") { end += 1 }
        return end
    }

    private static func matchesOne(_ text: Span<UInt8>, _ start: Int, _ end: Int, _ topic: Span<UInt8>) -> Bool {
        var pattern = start
        var name = 0
        while pattern < end, name < topic.count {
            if text[pattern] == UInt8(ascii: "*") {
                if pattern + 1 < end, text[pattern + 1] == UInt8(ascii: "*") { return true }
                while name < topic.count, topic[name] != UInt8(ascii: ".") { name += 1 }
                pattern += 1
            } else if text[pattern] == topic[name] {
                pattern += 1
                name += 1
            } else {
                return false
            }
        }
        return pattern == end && name == topic.count
    }
}

extension Span<UInt8> {
    func contains(_ byte: UInt8) -> Bool {
        for index in indices where self[index] == byte { return true }
        return false
    }
}
