/// A message as a reader gets it.
public struct ReceivedMessage: Sendable {
    /// As the server sent it.
    public let json: JSONValue
    public let cursor: String
    public let topic: String

    /// - Returns: nil where `json` is no message.
    public init?(_ json: JSONValue) {
        guard let cursor = json["cursor"]?.string, let topic = json["topic"]?.string else { return nil }
        self.json = json
        self.cursor = cursor
        self.topic = topic
    }

    /// What was published: bytes as they were, JSON without its white space.
    public var data: [UInt8] {
        if let text = json["data_base64"]?.string { return Base64.decoded(text) ?? Array(text.utf8) }
        if let text = json["data"]?.string { return Array(text.utf8) }
        return Array((json["data"]?.text ?? "").utf8)
    }

    /// What a command is told of it, as variables of its environment.
    public var environment: [(name: String, value: String)] {
        var variables = [("POSTERN_TOPIC", topic), ("POSTERN_CURSOR", cursor)]
        for name in ["id", "time", "key", "content_type"] {
            if let value = json[name]?.string { variables.append(("POSTERN_" + name.uppercased(), value)) }
        }
        for (name, value) in json["attributes"]?.members ?? [] {
            let letters = name.uppercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }
            variables.append(("POSTERN_ATTR_" + String(letters), value.string ?? value.text))
        }
        return variables
    }
}

/// Base 64 (RFC 4648, section 4).
enum Base64 {
    /// Nil where `text` is none.
    static func decoded(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for byte in text.utf8 where byte != UInt8(ascii: "=") {
            guard let value = value(byte) else { return nil }
            bits = bits << 6 | value
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        return bytes
    }

    static func encoded(_ bytes: [UInt8]) -> String {
        let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".unicodeScalars)
        var text = String.UnicodeScalarView()
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let piece = bytes[start..<min(start + 3, bytes.count)]
            let bits = piece.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - piece.count))
            for place in 0..<4 {
                text.append(place <= piece.count ? digits[Int(bits >> UInt32(18 - 6 * place) & 63)] : "=")
            }
        }
        return String(text)
    }

    private static func value(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte - 65)
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte - 71)
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte + 4)
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
