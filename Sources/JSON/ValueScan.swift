/// A key as it stands in a document.
struct ScannedKey {
    var text: ScannedString
    /// Offset behind the colon.
    var next: Int
}

extension Span where Element == UInt8 {
    /// Checks the value at `start`, with all that is in it, and returns the offset behind it.
    ///
    /// One turn of the loop a value; `nesting` says where a turn goes on, so that no depth needs recursion. After an
    /// error `nesting` is of no further use.
    func scanValue(from start: Int, in nesting: inout Nesting) throws(JSONError) -> Int {
        let outerDepth = nesting.depth
        var offset = start
        while true {
            offset = skipWhiteSpace(from: offset)
            switch try kindOfValue(at: offset) {
            case .object:
                guard nesting.open(object: true) else { throw .expected(.shallowerNesting, at: offset) }
                offset = skipWhiteSpace(from: offset &+ 1)
                if offset >= count || self[offset] != UInt8(ascii: "}") {
                    offset = try scanKey(at: offset, orElse: .keyOrEndOfObject).next
                    continue
                }
            case .array:
                guard nesting.open(object: false) else { throw .expected(.shallowerNesting, at: offset) }
                offset = skipWhiteSpace(from: offset &+ 1)
                if offset >= count || self[offset] != UInt8(ascii: "]") { continue }
            case .string: offset = try scanString(from: offset &+ 1).end &+ 1
            case .number: offset = try scanNumber(from: offset)
            case .true: offset = try scanLiteral(.true, from: offset)
            case .false: offset = try scanLiteral(.false, from: offset)
            case .null: offset = try scanLiteral(.null, from: offset)
            }
            guard try scanToNextValue(from: &offset, in: &nesting, above: outerDepth) else { return offset }
        }
    }

    /// Reads from behind a value to the next one in the containers opened above `outerDepth`; false once all of them
    /// are closed.
    @inline(__always)
    private func scanToNextValue(
        from offset: inout Int, in nesting: inout Nesting, above outerDepth: Int
    ) throws(JSONError) -> Bool {
        while nesting.depth > outerDepth {
            offset = skipWhiteSpace(from: offset)
            let byte = offset < count ? self[offset] : 0
            let isInObject = nesting.isInObject
            if byte == UInt8(ascii: ",") {
                offset &+= 1
                if isInObject { offset = try scanKey(at: skipWhiteSpace(from: offset), orElse: .key).next }
                return true
            }
            guard byte == (isInObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
                throw .expected(isInObject ? .commaOrEndOfObject : .commaOrEndOfArray, at: offset)
            }
            nesting.close()
            offset &+= 1
        }
        return false
    }

    /// Checks the key at `start`, and the colon behind it.
    @inline(__always)
    func scanKey(at start: Int, orElse expected: JSONExpectation) throws(JSONError) -> ScannedKey {
        guard start < count, self[start] == UInt8(ascii: "\"") else { throw .expected(expected, at: start) }
        let text = try scanString(from: start &+ 1)
        let colon = skipWhiteSpace(from: text.end &+ 1)
        guard colon < count, self[colon] == UInt8(ascii: ":") else { throw .expected(.colon, at: colon) }
        return ScannedKey(text: text, next: colon &+ 1)
    }

    /// What value begins at `offset`.
    @inline(__always)
    func kindOfValue(at offset: Int) throws(JSONError) -> JSONKind {
        guard offset < count, let kind = JSONKind(firstByte: self[offset]) else { throw noValue(at: offset) }
        return kind
    }

    @inline(never)
    private func noValue(at offset: Int) -> JSONError {
        // Only at the start is it a mark; elsewhere it is one more character out of place.
        let isMark = offset == 0 && loadSequence(at: 0) & 0xFF_FFFF == 0xBF_BBEF
        return .expected(isMark ? .noByteOrderMark : .value, at: offset)
    }

    /// The offset of the first byte from `start` on that is no white space; the count where there is none.
    /// (RFC 8259, section 2)
    @inline(__always)
    func skipWhiteSpace(from start: Int) -> Int {
        var offset = start
        // Mostly there is none.
        guard offset < count, self[offset] <= 0x20 else { return offset }
        while offset < count, self[offset].isWhiteSpace { offset &+= 1 }
        return offset
    }
}

extension UInt8 {
    @inline(__always)
    fileprivate var isWhiteSpace: Bool { self == 0x20 || self == 0x0A || self == 0x0D || self == 0x09 }
}
