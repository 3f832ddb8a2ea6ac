import Arenas

/// A strict pull reader of one JSON document (RFC 8259) over bytes in memory. It builds no tree and no `String`.
///
/// The caller asks for what it wants in the order of the document, and gets it or a `JSONError` that names the byte
/// at fault. After an error the reader is of no further use. The bytes stay the caller's; strings come back as
/// slices of them, or, where escapes had to be decoded, as text in an arena. Allocates nothing else. One thread
/// at a time.
///
/// Refused beyond the grammar: ill-formed UTF-8, lone surrogates in escapes, a byte order mark, and nesting deeper
/// than a limit. Repeated keys are the caller's to refuse.
public struct JSONReader: ~Copyable, ~Escapable {
    let bytes: Span<UInt8>
    var position = 0
    var nesting: Nesting
    /// Whether the innermost container was only just opened: a comma may not come first.
    var isAtFirst = false

    /// The levels a document may nest where no limit is given.
    public static let defaultDepthLimit = 64
    /// The highest depth limit: what the reader has room to track.
    public static let maximumDepthLimit = Nesting.maximumDepth

    /// A reader at the start of `bytes`.
    /// - Parameter depthLimit: levels of arrays and objects allowed, 1 to `maximumDepthLimit`; traps outside.
    @_lifetime(copy bytes)
    public init(_ bytes: Span<UInt8>, depthLimit: Int = JSONReader.defaultDepthLimit) {
        self.bytes = bytes
        self.nesting = Nesting(limit: depthLimit)
    }

    /// Offset of the next byte to be read; behind a `peek()`, that of the value.
    public var offset: Int { position }

    /// How many arrays and objects are open.
    public var depth: Int { nesting.depth }

    /// What the next value is, by its first byte; reads white space only.
    @_lifetime(self: copy self)
    public mutating func peek() throws(JSONError) -> JSONKind { try nextKind() }

    /// Reads the `{` of an object. `nextKey(in:)` then gives its keys.
    @_lifetime(self: copy self)
    public mutating func beginObject() throws(JSONError) {
        guard try peek() == .object else { throw .expected(.object, at: position) }
        try open(object: true)
    }

    /// The next key of the innermost object, decoded: `"\u0061"` and `"a"` are the same. Its value is to be read, or
    /// skipped, before the next call. Nothing at the end of the object, which is then closed.
    ///
    /// A key without escapes is a slice of the document; others stand in `arena`.
    @_lifetime(self: copy self)
    @_lifetime(copy self, borrow arena)
    public mutating func nextKey(in arena: borrowing ScopedArena) throws(JSONError) -> Span<UInt8>? {
        precondition(nesting.depth > 0 && nesting.isInObject, "no object is open")
        let missing: JSONExpectation = isAtFirst ? .keyOrEndOfObject : .key
        guard try hasNext(UInt8(ascii: "}"), orElse: .commaOrEndOfObject) else { return nil }
        let start = position &+ 1
        let key = try bytes.scanKey(at: position, orElse: missing)
        position = key.next
        let text = bytes.extracting(start..<key.text.end)
        guard key.text.hasEscapes else { return text }
        return try bytes.decodeString(start..<key.text.end, in: arena)
    }

    /// Reads the `[` of an array. `nextElement()` then leads through its values.
    @_lifetime(self: copy self)
    public mutating func beginArray() throws(JSONError) {
        guard try peek() == .array else { throw .expected(.array, at: position) }
        try open(object: false)
    }

    /// Whether another value follows in the innermost array; it is to be read, or skipped, before the next call.
    /// False at the end of the array, which is then closed.
    @_lifetime(self: copy self)
    public mutating func nextElement() throws(JSONError) -> Bool {
        precondition(nesting.depth > 0 && !nesting.isInObject, "no array is open")
        return try hasNext(UInt8(ascii: "]"), orElse: .commaOrEndOfArray)
    }

    /// Checks that only white space follows the document's one value.
    @_lifetime(self: copy self)
    public mutating func finish() throws(JSONError) {
        precondition(nesting.depth == 0, "a container is open")
        position = bytes.skipWhiteSpace(from: position)
        guard position == bytes.count else { throw .expected(.endOfInput, at: position) }
    }
}

extension JSONReader {
    @inline(__always)
    @_lifetime(self: copy self)
    mutating func nextKind() throws(JSONError) -> JSONKind {
        position = bytes.skipWhiteSpace(from: position)
        return try bytes.kindOfValue(at: position)
    }

    /// Opens the container at `position`.
    @_lifetime(self: copy self)
    private mutating func open(object: Bool) throws(JSONError) {
        guard nesting.open(object: object) else { throw .expected(.shallowerNesting, at: position) }
        position &+= 1
        isAtFirst = true
    }

    /// Reads up to the next member of the innermost container, past the comma that leads to it, or past its `end`.
    @inline(__always)
    @_lifetime(self: copy self)
    private mutating func hasNext(_ end: UInt8, orElse expected: JSONExpectation) throws(JSONError) -> Bool {
        position = bytes.skipWhiteSpace(from: position)
        let byte = position < bytes.count ? bytes[position] : 0
        if byte == end {
            nesting.close()
            position &+= 1
            isAtFirst = false
            return false
        }
        if isAtFirst {
            isAtFirst = false
            return true
        }
        guard byte == UInt8(ascii: ",") else { throw .expected(expected, at: position) }
        position = bytes.skipWhiteSpace(from: position &+ 1)
        return true
    }
}
