import PubSub

/// The topic names and patterns that a grant names, up to 64 of them.
///
/// Kept as text joined by commas and matched as it stands (`PubSub.TopicPattern`): asking allocates nothing. A value;
/// any thread.
public struct PatternList: Sendable, Equatable {
    /// Most patterns one list may have; bounds the work of a question.
    public static let maximumPatterns = 64

    /// The patterns joined by commas; empty where there are none.
    private(set) var text: [UInt8] = []
    /// How many patterns there are.
    public private(set) var count = 0

    /// A list that covers nothing.
    public init() {}

    /// Reads patterns joined by commas.
    /// - Throws: the first rule that is broken.
    public init(parsing text: Span<UInt8>) throws(PatternListError) {
        var start = 0
        while start <= text.count {
            let end = text.endOfAlternative(from: start)
            try append(text.extracting(start..<end))
            start = end + 1
        }
    }

    /// Adds one pattern.
    /// - Throws: where it is none, or one too many.
    public mutating func append(_ pattern: Span<UInt8>) throws(PatternListError) {
        guard count < Self.maximumPatterns else { throw .tooMany }
        // Several in one would get by the bound.
        guard pattern.endOfAlternative(from: 0) == pattern.count else { throw .severalInOne(number: count + 1) }
        do throws(TopicError) {
            _ = try TopicPattern.validate(pattern)
        } catch {
            throw .pattern(number: count + 1, error)
        }
        if count > 0 { text.append(UInt8(ascii: ",")) }
        for index in pattern.indices { text.append(pattern[index]) }
        count += 1
    }

    /// Whether one of the patterns matches `topic`. A reserved name (`$…`) is in no grant.
    public func matches(_ topic: Span<UInt8>) -> Bool {
        guard count > 0, topic.count > 0, topic[0] != UInt8(ascii: "$") else { return false }
        return TopicPattern.matches(text.span, topic: topic)
    }

    /// Whether all that `selection` may ever select, patterns joined by commas, is in this list: each of its
    /// alternatives lies wholly within one of the patterns.
    ///
    /// Patterns that hold an alternative only together do not count: with `a.*` and `a.*.**`, `a.**` is not covered.
    public func covers(_ selection: Span<UInt8>) -> Bool {
        guard count > 0 else { return false }
        var start = 0
        while start <= selection.count {
            let end = selection.endOfAlternative(from: start)
            guard coversOne(selection.extracting(start..<end)) else { return false }
            start = end + 1
        }
        return true
    }

    private func coversOne(_ wanted: Span<UInt8>) -> Bool {
        guard wanted.count > 0, wanted[0] != UInt8(ascii: "$") else { return false }
        let patterns = text.span
        var start = 0
        while start <= patterns.count {
            let end = patterns.endOfAlternative(from: start)
            if PatternCover.covers(patterns.extracting(start..<end), wanted) { return true }
            start = end + 1
        }
        return false
    }
}

/// Why patterns are no list.
public enum PatternListError: Error, Equatable, Sendable {
    /// The pattern with this number, the first being 1, breaks a rule of topics.
    case pattern(number: Int, TopicError)
    /// The text of one pattern, the first being 1, has a comma.
    case severalInOne(number: Int)
    case tooMany

    /// The rule as a sentence for a person; nothing of the text is in it.
    public var explanation: String {
        switch self {
        case .pattern(let number, let error): "pattern \(number), byte \(error.offset): \(error.explanation)"
        case .severalInOne(let number): "pattern \(number) has a comma: one pattern each"
        case .tooMany: "at most \(PatternList.maximumPatterns) patterns"
        }
    }
}

extension Span<UInt8> {
    /// Where the alternative that begins at `start` ends: at a comma or at the end of the text.
    func endOfAlternative(from start: Int) -> Int {
        var end = start
        while end < count, self[end] != UInt8(ascii: ",") { end += 1 }
        return end
    }
}
