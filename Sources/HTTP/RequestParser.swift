/// Parses requests' heads (RFC 9112), without I/O. One a loop; it holds the fields of the head it parsed last.
///
/// A line is judged once it is complete, so that however the bytes are split, the outcome is the same. Allocates
/// nothing once it is made.
public struct RequestParser: ~Copyable {
    public struct Limits: Sendable {
        /// The request line and all fields: what common proxies send at most (431). Room for the longest request line
        /// at least.
        public var headBytes = 16 << 10
        /// 414.
        public var targetBytes = 8 << 10
        /// 431; at most `RequestParser.maximumFields`.
        public var fields = RequestParser.maximumFields

        public init() {}
    }

    public enum Outcome: Equatable, Sendable {
        /// The head is not complete; nothing so far is wrong with it.
        case incomplete
        case head(RequestHead)
    }

    /// What the parser has room for.
    public static let maximumFields = 100
    /// Empty lines before a request that are passed over (RFC 9112, section 2.2).
    static let maximumLeadingLines = 4
    /// More than any body, and so little that ten times as much is still a number.
    static let maximumLength = 1 << 59

    /// What a request line may have around its target: method, version, blanks and the line's end.
    static let targetFrameBytes = 64

    let limits: Limits
    /// On the heap: a struct that holds them itself is copied, all 900 bytes of it, whenever it is asked anything.
    var fields = [FieldRange](repeating: FieldRange(), count: RequestParser.maximumFields)
    var head = RequestHead()
    var seen = Seen()

    struct FieldRange: BitwiseCopyable {
        var nameStart: UInt16 = 0
        var nameEnd: UInt16 = 0
        var valueStart: UInt16 = 0
        var valueEnd: UInt16 = 0
    }

    /// Fields that decide where the body ends, and may be there once only.
    struct Seen {
        /// A bit for each length that a field's name has.
        var nameLengths: UInt64 = 0
        var host = false
        var transferEncoding = false
        var connectionCloses = false
        var connectionKeepsAlive = false
    }

    public init(limits: Limits = Limits()) {
        precondition(limits.headBytes >= limits.targetBytes + Self.targetFrameBytes)
        precondition(limits.headBytes + 2 * Self.maximumLeadingLines < Int(UInt16.max), "offsets have sixteen bits")
        precondition(limits.fields <= Self.maximumFields)
        self.limits = limits
    }

    /// Parses the head at the start of `bytes`.
    ///
    /// To be called again with the same bytes and more where it was incomplete; `position` is the caller's, new for
    /// each head.
    /// - Throws: `HTTPError`; the connection is to be answered and closed.
    public mutating func parse(_ bytes: Span<UInt8>, resume position: inout ScanPosition) throws(HTTPError) -> Outcome {
        let start = try skipEmptyLines(bytes)
        if bytes.count <= Int(position.quiet), bytes.firstLineFeed(from: Int(position.scanned)) == bytes.count {
            position.scanned = UInt16(bytes.count)
            return .incomplete
        }
        head = RequestHead()
        seen = Seen()
        guard var offset = try parseRequestLine(bytes, from: start) else {
            // What a method may not begin with is refused as soon as it is there.
            let hasBegun = start < bytes.count && bytes[start] != 0x0D
            position.quiet = hasBegun ? UInt16(start + limits.targetBytes + Self.targetFrameBytes) : 0
            position.scanned = UInt16(bytes.count)
            return .incomplete
        }
        while let next = try parseFieldLine(bytes, from: offset, headStart: start) {
            if next == offset {
                try finish(end: offset + 2, start: start)
                return .head(head)
            }
            offset = next
        }
        guard bytes.count - start <= limits.headBytes else { throw .headTooLarge }
        position.quiet = UInt16(start + limits.headBytes)
        position.scanned = UInt16(bytes.count)
        return .incomplete
    }

    private func skipEmptyLines(_ bytes: Span<UInt8>) throws(HTTPError) -> Int {
        var offset = 0
        while offset + 1 < bytes.count, bytes[offset] == 0x0D, bytes[offset + 1] == 0x0A {
            offset += 2
            guard offset <= Self.maximumLeadingLines * 2 else { throw .malformedRequestLine }
        }
        // What cannot begin a method, a TLS greeting say, is not waited for.
        if offset < bytes.count, !Characters.isToken(bytes[offset]),
            bytes[offset] != 0x0D || offset + 1 < bytes.count
        {
            throw .malformedRequestLine
        }
        return offset
    }

    /// Where the line from `start` on ends (its CR); nil where it is not complete, or not before `limit`.
    /// - Throws: where it has a control character, or a line break that is not CR LF.
    private func endOfLine(
        _ bytes: Span<UInt8>, from start: Int, before limit: Int, orElse error: HTTPError
    ) throws(HTTPError) -> Int? {
        var offset = bytes.firstControl(from: start)
        while offset < bytes.count {
            let byte = bytes[offset]
            if byte == 0x0D, offset + 1 < bytes.count, bytes[offset + 1] == 0x0A {
                return offset + 2 <= limit ? offset : nil
            }
            // Anything else is wrong once the line is complete.
            if byte != 0x09 {
                let lineFeed = bytes.firstLineFeed(from: offset)
                guard lineFeed < bytes.count, lineFeed < limit else { return nil }
                throw byte == 0x0D || byte == 0x0A ? .bareLineBreak : error
            }
            offset = bytes.firstControl(from: offset + 1)
        }
        return nil
    }

    // MARK: The request line

    /// - Returns: where the next line begins; nil where the line is not complete.
    private mutating func parseRequestLine(_ bytes: Span<UInt8>, from start: Int) throws(HTTPError) -> Int? {
        // What cannot begin a method, a TLS greeting say, is not waited for.
        if start < bytes.count, !Characters.isToken(bytes[start]), bytes[start] != 0x0D || start + 1 < bytes.count {
            throw .malformedRequestLine
        }
        let limit = start + limits.targetBytes + Self.targetFrameBytes
        guard let end = try endOfLine(bytes, from: start, before: limit, orElse: .malformedRequestLine) else {
            guard bytes.count <= limit else { throw .targetTooLong }
            return nil
        }
        let methodEnd = bytes.endOfToken(from: start)
        guard methodEnd > start, bytes[methodEnd] == 0x20 else { throw .malformedRequestLine }
        head.methodRange = start..<methodEnd
        head.method = Method(bytes, head.methodRange)
        let targetStart = methodEnd + 1
        var offset = bytes.firstTargetMark(from: targetStart)
        var question: Int?
        while offset < end, bytes[offset] != 0x20 {
            // A fragment has no place in a request, nor has anything that is not visible ASCII.
            guard bytes[offset] == UInt8(ascii: "?") else { throw .malformedTarget }
            if question == nil { question = offset }
            offset = bytes.firstTargetMark(from: offset + 1)
        }
        guard offset < end else { throw .malformedRequestLine }
        guard offset - targetStart <= limits.targetBytes else { throw .targetTooLong }
        try parseVersion(bytes, offset + 1..<end)
        try parseTarget(bytes, targetStart..<offset, question: question)
        return end + 2
    }

    private mutating func parseVersion(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(HTTPError) {
        guard range.count == 8, bytes.holds("HTTP/", at: range.lowerBound),
            Characters.isDigit(bytes[range.lowerBound + 5]),
            bytes[range.lowerBound + 6] == UInt8(ascii: "."), Characters.isDigit(bytes[range.lowerBound + 7])
        else { throw .malformedRequestLine }
        guard bytes[range.lowerBound + 5] == UInt8(ascii: "1") else { throw .unsupportedVersion }
        // A higher minor version is spoken to as 1.1 (RFC 9110, section 2.5).
        head.minorVersion = bytes[range.lowerBound + 7] == UInt8(ascii: "0") ? 0 : 1
    }

    private mutating func finish(end: Int, start: Int) throws(HTTPError) {
        head.byteCount = end
        if head.minorVersion == 1, !seen.host { throw .missingHost }
        if seen.transferEncoding {
            if head.minorVersion == 0 { throw .transferEncodingBefore11 }
            if head.contentLength != nil { throw .conflictingLength }
        }
        head.keepsAlive =
            head.minorVersion == 1 ? !seen.connectionCloses : seen.connectionKeepsAlive && !seen.connectionCloses
        // HTTP/1.0 knows no 100 Continue (RFC 9110, section 10.1.1).
        if head.minorVersion == 0 { head.expectsContinue = false }
    }
}

extension RequestParser {
    // MARK: The fields

    /// - Returns: where the next line begins; the same offset at the empty line; nil where the line is not complete.
    private mutating func parseFieldLine(
        _ bytes: Span<UInt8>, from start: Int, headStart: Int
    ) throws(HTTPError) -> Int? {
        let limit = headStart + limits.headBytes
        guard let end = try endOfLine(bytes, from: start, before: limit, orElse: .malformedField) else { return nil }
        if end == start { return start }
        guard !Characters.isBlank(bytes[start]) else { throw .foldedField }
        let colon = bytes.endOfToken(from: start)
        guard colon > start, colon < end, bytes[colon] == UInt8(ascii: ":") else { throw .malformedField }
        guard head.fieldCount < limits.fields else { throw .tooManyFields }
        let value = bytes.trimmed(colon + 1..<end)
        fields[head.fieldCount] = FieldRange(
            nameStart: UInt16(start), nameEnd: UInt16(colon), valueStart: UInt16(value.lowerBound),
            valueEnd: UInt16(value.upperBound))
        head.fieldCount += 1
        seen.nameLengths |= Self.lengthBit(colon - start)
        try note(bytes, start..<colon, value)
        return end + 2
    }

    /// Takes in what decides the message's framing and the connection's fate.
    private mutating func note(_ bytes: Span<UInt8>, _ name: Range<Int>, _ value: Range<Int>) throws(HTTPError) {
        switch name.count {
        case 4:
            guard bytes.matches("host", in: name) else { return }
            guard !seen.host else { throw .repeatedHost }
            seen.host = true
            guard Self.isHost(bytes, value) else { throw .malformedHost }
        case 6:
            guard bytes.matches("expect", in: name) else { return }
            guard bytes.matches("100-continue", in: value) else { throw .unknownExpectation }
            head.expectsContinue = true
        case 10:
            guard bytes.matches("connection", in: name) else { return }
            noteConnection(bytes, value)
        case 14:
            guard bytes.matches("content-length", in: name) else { return }
            guard head.contentLength == nil else { throw .repeatedContentLength }
            head.contentLength = try Self.length(bytes, value)
        case 17:
            guard bytes.matches("transfer-encoding", in: name) else { return }
            guard !seen.transferEncoding else { throw .repeatedTransferEncoding }
            seen.transferEncoding = true
            guard bytes.matches("chunked", in: value) else { throw .unknownTransferEncoding }
            head.isChunked = true
        default: return
        }
    }

    private mutating func noteConnection(_ bytes: Span<UInt8>, _ value: Range<Int>) {
        var start = value.lowerBound
        while start < value.upperBound {
            var end = start
            while end < value.upperBound, bytes[end] != UInt8(ascii: ",") { end += 1 }
            let option = bytes.trimmed(start..<end)
            if bytes.matches("close", in: option) { seen.connectionCloses = true }
            if bytes.matches("keep-alive", in: option) { seen.connectionKeepsAlive = true }
            start = end + 1
        }
    }

    /// Digits only. A number beyond any body is taken for the largest of them, and left to the body's limit.
    private static func length(_ bytes: Span<UInt8>, _ value: Range<Int>) throws(HTTPError) -> Int {
        guard !value.isEmpty else { throw .malformedContentLength }
        var length = 0
        for index in value {
            guard Characters.isDigit(bytes[index]) else { throw .malformedContentLength }
            length = min(length * 10 + Int(bytes[index] - 48), maximumLength)
        }
        return length
    }

    // MARK: Looking at fields

    /// A field of the head parsed last: where its name and its value, without blanks around, stand.
    public func field(at index: Int) -> (name: Range<Int>, value: Range<Int>) {
        precondition(index >= 0 && index < head.fieldCount)
        let field = fields[index]
        return (Int(field.nameStart)..<Int(field.nameEnd), Int(field.valueStart)..<Int(field.valueEnd))
    }

    /// The first value of the field named so, in lower case, and whether there are more; nil where there is none.
    public func value(
        named name: StaticString, in bytes: Span<UInt8>
    ) -> (range: Range<Int>, isRepeated: Bool)? {
        // Most names that are asked for are not there, and no field's is even of their length.
        guard seen.nameLengths & Self.lengthBit(name.utf8CodeUnitCount) != 0 else { return nil }
        var found: Range<Int>?
        for index in 0..<head.fieldCount {
            let field = fields[index]
            guard Int(field.nameEnd) - Int(field.nameStart) == name.utf8CodeUnitCount,
                bytes.matches(name, in: Int(field.nameStart)..<Int(field.nameEnd))
            else { continue }
            if let found { return (found, true) }
            found = Int(field.valueStart)..<Int(field.valueEnd)
        }
        return found.map { ($0, false) }
    }

    private static func lengthBit(_ count: Int) -> UInt64 { 1 << UInt64(min(count, 63)) }
}
