import Arenas

/// Why a document, or a value in it, could not be read.
public enum JSONError: Error, Equatable, Sendable {
    /// The document is not what was asked for. `offset` is the byte at which it ceases to be acceptable, counted
    /// from the start of the document; it equals the document's length where the document ends too early.
    case malformed(offset: Int, expected: JSONExpectation)
    /// A decoded string does not fit in the arena. Says nothing about the document.
    case arena(ArenaError)
}

/// What should have stood where a document broke.
public enum JSONExpectation: UInt8, Equatable, Sendable, CaseIterable {
    case value
    case noByteOrderMark
    case endOfInput

    case object
    case array
    case string
    case integer
    case integerOf64Bits
    case bool
    case null

    case key
    case keyOrEndOfObject
    case colon
    case commaOrEndOfObject
    case commaOrEndOfArray
    case shallowerNesting

    case digit
    case noLeadingZero
    case restOfLiteral

    case closingQuote
    case escapedControlCharacter
    case escapeCharacter
    case fourHexDigits
    case highSurrogateFirst
    case lowSurrogateEscape
    case validUTF8

    /// What was expected in English, to stand after "expected ".
    public var description: StaticString {
        switch self {
        case .value: "a value"
        case .noByteOrderMark: "no byte order mark before the value"
        case .endOfInput: "the end of the input"
        case .object: "an object"
        case .array: "an array"
        case .string: "a string"
        case .integer: "an integer"
        case .integerOf64Bits: "an integer between -2^63 and 2^63-1"
        case .bool: "true or false"
        case .null: "null"
        case .key: "an object key in double quotes"
        case .keyOrEndOfObject: "an object key in double quotes or '}'"
        case .colon: "':' after the object key"
        case .commaOrEndOfObject: "',' or '}'"
        case .commaOrEndOfArray: "',' or ']'"
        case .shallowerNesting: "no nesting deeper than the limit"
        case .digit: "a digit"
        case .noLeadingZero: "no digit after a leading zero"
        case .restOfLiteral: "true, false or null in full"
        case .closingQuote: "'\"' at the end of the string"
        case .escapedControlCharacter: "control characters to be escaped"
        case .escapeCharacter: "one of '\"\\/bfnrtu' after '\\'"
        case .fourHexDigits: "four hex digits after '\\u'"
        case .highSurrogateFirst: "a high surrogate before a low one"
        case .lowSurrogateEscape: "an escaped low surrogate after a high one"
        case .validUTF8: "valid UTF-8"
        }
    }
}

extension JSONError {
    /// Shorter where the grammar throws it; out of the way of the straight path.
    @inline(never)
    static func expected(_ expected: JSONExpectation, at offset: Int) -> JSONError {
        .malformed(offset: offset, expected: expected)
    }
}
