/// The rules for a topic's name: 1 to 16 tokens joined by dots, each of `A-Z a-z 0-9 _ -`, 255 bytes in all.
public enum TopicName {
    /// Most tokens one name may have; bounds the work of matching a pattern.
    public static let maximumTokens = 16
    /// Most bytes one name may have; what an operating system allows a file name, so that a durable log may use it.
    public static let maximumBytes = 255

    /// Checks that `name` may be published to or configured.
    /// - Throws: the first rule that is broken, with the byte offset in the name where it broke.
    public static func validate(_ name: Span<UInt8>) throws(TopicError) {
        try validate(name, allowingWildcards: false)
    }

    static func validate(_ name: Span<UInt8>, allowingWildcards: Bool) throws(TopicError) {
        guard name.count > 0 else { throw TopicError(.empty, offset: 0) }
        guard name.count <= maximumBytes else { throw TopicError(.tooLong, offset: maximumBytes) }
        guard name[0] != UInt8(ascii: "$") else { throw TopicError(.reserved, offset: 0) }
        var tokens = 1
        var tokenStart = 0
        var index = 0
        while index <= name.count {
            if index == name.count || name[index] == UInt8(ascii: ".") {
                guard index > tokenStart else { throw TopicError(.emptyToken, offset: index) }
                if index < name.count {
                    tokens += 1
                    guard tokens <= maximumTokens else { throw TopicError(.tooManyTokens, offset: index) }
                }
                tokenStart = index + 1
            } else if name[index] == UInt8(ascii: "*"), allowingWildcards {
                index = try wildcardEnd(name, at: index, tokenStart: tokenStart)
                continue
            } else if !isTokenByte(name[index]) {
                throw TopicError(.invalidByte, offset: index)
            }
            index += 1
        }
    }

    /// A wildcard is a whole token: `*` anywhere, `**` only as the last. Returns the offset behind it.
    private static func wildcardEnd(_ name: Span<UInt8>, at start: Int, tokenStart: Int) throws(TopicError) -> Int {
        guard start == tokenStart else { throw TopicError(.partialWildcard, offset: start) }
        var end = start + 1
        if end < name.count, name[end] == UInt8(ascii: "*") {
            end += 1
            guard end == name.count else { throw TopicError(.wildcardNotLast, offset: start) }
        }
        guard end == name.count || name[end] == UInt8(ascii: ".") else {
            throw TopicError(.partialWildcard, offset: start)
        }
        return end
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default:
            false
        }
    }
}

/// Which rule a topic or a pattern breaks, and where.
public struct TopicError: Error, Equatable, Sendable {
    public enum Rule: Sendable {
        case empty, tooLong, tooManyTokens, emptyToken, invalidByte, reserved
        case partialWildcard, wildcardNotLast, tooManyPatterns
    }
    public let rule: Rule
    /// Byte offset in the name or pattern list.
    public let offset: Int

    init(_ rule: Rule, offset: Int) {
        self.rule = rule
        self.offset = offset
    }

    /// The rule as a sentence for a person.
    public var explanation: StaticString {
        switch rule {
        case .empty: "a topic has at least one token"
        case .tooLong: "a topic has at most 255 bytes"
        case .tooManyTokens: "a topic has at most 16 tokens"
        case .emptyToken: "a token between dots must not be empty"
        case .invalidByte: "a token is made of A-Z, a-z, 0-9, _ and -"
        case .reserved: "names that begin with $ are reserved"
        case .partialWildcard: "a wildcard stands for a whole token: * or **"
        case .wildcardNotLast: "** may only be the last token"
        case .tooManyPatterns: "at most 16 patterns may be joined by commas"
        }
    }
}
