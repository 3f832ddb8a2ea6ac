extension RequestParser {
    /// Takes the target apart (RFC 9112, section 3.2).
    mutating func parseTarget(_ bytes: Span<UInt8>, _ target: Range<Int>, question: Int?) throws(HTTPError) {
        guard !target.isEmpty else { throw .malformedTarget }
        var pathStart = target.lowerBound
        if head.method == .connect {
            guard Self.isHost(bytes, target, needsPort: true) else { throw .malformedTarget }
            head.targetForm = .authority
        } else if bytes[pathStart] == UInt8(ascii: "/") {
            head.targetForm = .origin
        } else if target.count == 1, bytes[pathStart] == UInt8(ascii: "*") {
            guard head.method == .options else { throw .malformedTarget }
            head.targetForm = .asterisk
        } else {
            head.targetForm = .absolute
            pathStart = try authorityEnd(bytes, target)
        }
        head.path = pathStart..<(question ?? target.upperBound)
        if let question { head.query = question + 1..<target.upperBound }
    }

    /// Where the authority of an absolute target ends.
    private func authorityEnd(_ bytes: Span<UInt8>, _ target: Range<Int>) throws(HTTPError) -> Int {
        let scheme: Int
        if target.count > 7, bytes.matches("http://", in: target.lowerBound..<target.lowerBound + 7) {
            scheme = 7
        } else if target.count > 8, bytes.matches("https://", in: target.lowerBound..<target.lowerBound + 8) {
            scheme = 8
        } else {
            throw .malformedTarget
        }
        let start = target.lowerBound + scheme
        var end = start
        while end < target.upperBound, bytes[end] != UInt8(ascii: "/"), bytes[end] != UInt8(ascii: "?") { end += 1 }
        guard Self.isHost(bytes, start..<end) else { throw .malformedTarget }
        return end
    }

    /// A host, perhaps in brackets, and a port, perhaps; user information is refused.
    static func isHost(_ bytes: Span<UInt8>, _ range: Range<Int>, needsPort: Bool = false) -> Bool {
        guard !range.isEmpty else { return false }
        let end: Int
        if bytes[range.lowerBound] == UInt8(ascii: "[") {
            guard let bracket = endOfAddress(bytes, range) else { return false }
            end = bracket
        } else {
            end = bytes.endOfHost(from: range.lowerBound)
            guard end > range.lowerBound else { return false }
        }
        guard end < range.upperBound else { return !needsPort }
        guard bytes[end] == UInt8(ascii: ":"), range.upperBound - end <= 6 else { return false }
        var port = 0
        for index in end + 1..<range.upperBound {
            guard Characters.isDigit(bytes[index]) else { return false }
            port = port * 10 + Int(bytes[index] - 48)
        }
        return port <= Int(UInt16.max) && !(needsPort && port == 0)
    }

    /// Where a bracketed IPv6 address ends; nil where it is none.
    private static func endOfAddress(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int? {
        var offset = range.lowerBound + 1
        var colons = 0
        while offset < range.upperBound, bytes[offset] != UInt8(ascii: "]") {
            if bytes[offset] == UInt8(ascii: ":") {
                colons += 1
            } else if Characters.hexValue(bytes[offset]) == nil, bytes[offset] != UInt8(ascii: ".") {
                return nil
            }
            offset += 1
        }
        return offset < range.upperBound && colons >= 2 ? offset + 1 : nil
    }
}
