extension RequestParser {
    /// Takes the target apart (RFC 9112, section 3.2).
    mutating func parseTarget(_ bytes: Span<UInt8>, _ target: Range<Int>) throws(HTTPError) {
        guard !target.isEmpty else { throw .malformedTarget }
        if head.method == .connect {
            guard Self.isHost(bytes, target) else { throw .malformedTarget }
            head.targetForm = .authority
            head.path = target
            return
        }
        if bytes[target.lowerBound] == UInt8(ascii: "/") {
            head.targetForm = .origin
            try split(bytes, target)
        } else if target.count == 1, bytes[target.lowerBound] == UInt8(ascii: "*") {
            guard head.method == .options else { throw .malformedTarget }
            head.targetForm = .asterisk
            head.path = target
        } else {
            head.targetForm = .absolute
            try split(bytes, try authorityEnd(bytes, target)..<target.upperBound)
        }
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
        while end < target.upperBound, bytes[end] != UInt8(ascii: "/"), bytes[end] != UInt8(ascii: "?"),
            bytes[end] != UInt8(ascii: "#")
        {
            end += 1
        }
        guard Self.isHost(bytes, start..<end) else { throw .malformedTarget }
        return end
    }

    /// Parts path and query; a fragment has no place in a request.
    private mutating func split(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(HTTPError) {
        var offset = range.lowerBound
        var mark: Int?
        while offset < range.upperBound {
            let byte = bytes[offset]
            if byte == UInt8(ascii: "#") { throw .malformedTarget }
            if byte == UInt8(ascii: "?"), mark == nil { mark = offset }
            offset &+= 1
        }
        head.path = range.lowerBound..<(mark ?? range.upperBound)
        if let mark { head.query = mark + 1..<range.upperBound }
    }

    /// A host, perhaps in brackets, and perhaps a port; user information is refused.
    static func isHost(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard !range.isEmpty else { return false }
        var offset = range.lowerBound
        if bytes[offset] == UInt8(ascii: "[") {
            offset += 1
            while offset < range.upperBound, bytes[offset] != UInt8(ascii: "]") {
                guard
                    Characters.hexValue(bytes[offset]) != nil || bytes[offset] == UInt8(ascii: ":")
                        || bytes[offset] == UInt8(ascii: ".")
                else { return false }
                offset += 1
            }
            guard offset < range.upperBound, offset > range.lowerBound + 1 else { return false }
            offset += 1
        } else {
            while offset < range.upperBound, Characters.isHost(bytes[offset]) { offset += 1 }
            guard offset > range.lowerBound else { return false }
        }
        guard offset < range.upperBound else { return true }
        guard bytes[offset] == UInt8(ascii: ":"), range.upperBound - offset <= 6 else { return false }
        for index in offset + 1..<range.upperBound where !Characters.isDigit(bytes[index]) { return false }
        return true
    }
}
