/// How much a client wants a media type, by its `Accept` fields (RFC 9110, section 12.5.1).
public struct Acceptance: Sendable {
    private let type: StaticString
    private let subtype: StaticString
    private var specificity = -1
    private var hasField = false
    /// Thousandths; what the most specific range that matches says.
    private var weight = 0

    /// Begins with no field seen: then everything is wanted.
    public init(type: StaticString, subtype: StaticString) {
        self.type = type
        self.subtype = subtype
    }

    /// The weight in thousandths; 0 means the client cannot use the type.
    public var quality: Int { hasField ? weight : 1000 }

    /// Takes in one field's value. Malformed members are passed over.
    public mutating func add(_ value: Span<UInt8>) {
        var start = 0
        while start < value.count {
            let end = Self.end(of: value, start..<value.count, at: UInt8(ascii: ","))
            addRange(value, value.trimmed(start..<end))
            start = end + 1
        }
    }

    private mutating func addRange(_ text: Span<UInt8>, _ member: Range<Int>) {
        // An empty member asks for nothing in particular.
        guard !member.isEmpty else { return }
        hasField = true
        let end = Self.end(of: text, member, at: UInt8(ascii: ";"))
        let range = text.trimmed(member.lowerBound..<end)
        guard let slash = range.first(where: { text[$0] == UInt8(ascii: "/") }) else { return }
        let found: Int
        if text.matches(type, in: range.lowerBound..<slash), text.matches(subtype, in: slash + 1..<range.upperBound) {
            found = 2
        } else if text.matches(type, in: range.lowerBound..<slash), text.matches("*", in: slash + 1..<range.upperBound)
        {
            found = 1
        } else if text.matches("*", in: range.lowerBound..<slash), text.matches("*", in: slash + 1..<range.upperBound) {
            found = 0
        } else {
            return
        }
        let quality = Self.quality(text, end..<member.upperBound)
        if found > specificity || (found == specificity && quality > weight) {
            specificity = found
            weight = quality
        }
    }

    /// The `q` parameter in thousandths; 1000 where there is none or it is malformed.
    private static func quality(_ text: Span<UInt8>, _ parameters: Range<Int>) -> Int {
        var start = parameters.lowerBound
        while start < parameters.upperBound {
            let end = Self.end(of: text, start + 1..<parameters.upperBound, at: UInt8(ascii: ";"))
            let parameter = text.trimmed(start + 1..<end)
            if parameter.count >= 3, text.matches("q=", in: parameter.lowerBound..<parameter.lowerBound + 2) {
                return thousandths(text, parameter.lowerBound + 2..<parameter.upperBound)
            }
            start = end
        }
        return 1000
    }

    /// Where the first `delimiter` stands that is not in a quoted string, or the range ends.
    private static func end(of text: Span<UInt8>, _ range: Range<Int>, at delimiter: UInt8) -> Int {
        var offset = range.lowerBound
        var isQuoted = false
        while offset < range.upperBound, isQuoted || text[offset] != delimiter {
            if text[offset] == UInt8(ascii: "\"") {
                isQuoted.toggle()
            } else if isQuoted, text[offset] == UInt8(ascii: "\\") {
                offset += 1
            }
            offset += 1
        }
        return min(offset, range.upperBound)
    }

    private static func thousandths(_ text: Span<UInt8>, _ range: Range<Int>) -> Int {
        guard range.count <= 5, text[range.lowerBound] == 48 || text[range.lowerBound] == 49 else { return 1000 }
        var value = Int(text[range.lowerBound] - 48) * 1000
        guard range.count > 1 else { return value }
        guard text[range.lowerBound + 1] == UInt8(ascii: ".") else { return 1000 }
        var scale = 100
        for index in range.lowerBound + 2..<range.upperBound {
            guard Characters.isDigit(text[index]) else { return 1000 }
            value += Int(text[index] - 48) * scale
            scale /= 10
        }
        return min(value, 1000)
    }
}
