import Arenas

/// base64url without padding. (RFC 4648, section 5; RFC 7515, section 2)
enum Base64URL {
    /// How many bytes `count` characters stand for; nothing where no text has that length.
    static func decodedCount(_ count: Int) -> Int? {
        count % 4 == 1 ? nil : count / 4 * 3 + max(count % 4 - 1, 0)
    }

    /// Appends the bytes that `text` stands for and returns whether it is well formed; where it is not, what was appended
    /// is of no use.
    ///
    /// Strict: no padding, no white space, no other alphabet, and bits that stand for nothing are zero, so that each
    /// run of bytes has one text only.
    @_lifetime(sink: copy sink)
    static func decode<Sink: ByteSink & ~Copyable & ~Escapable>(_ text: Span<UInt8>, to sink: inout Sink) -> Bool {
        guard decodedCount(text.count) != nil else { return false }
        var group: UInt32 = 0
        var bits: UInt32 = 0
        for index in text.indices {
            guard let value = value(of: text[index]) else { return false }
            group = group << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                sink.append(UInt8(truncatingIfNeeded: group >> bits))
            }
        }
        return group & (1 << bits - 1) == 0
    }

    /// The bytes that `text` stands for, on the heap; nothing where it is not well formed.
    static func decode(_ text: Span<UInt8>) -> [UInt8]? {
        var output = OutputBuffer(capacity: text.count)
        guard decode(text, to: &output) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(output.count)
        for index in 0..<output.count { bytes.append(output.span[index]) }
        return bytes
    }

    /// `bytes` as text.
    static func encode(_ bytes: Span<UInt8>) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
        var text = ""
        var group: UInt32 = 0
        var bits = 0
        for index in bytes.indices {
            group = group << 8 | UInt32(bytes[index])
            bits += 8
            while bits >= 6 {
                bits -= 6
                text.unicodeScalars.append(Unicode.Scalar(alphabet[Int(group >> UInt32(bits) & 63)]))
            }
        }
        if bits > 0 { text.unicodeScalars.append(Unicode.Scalar(alphabet[Int(group << UInt32(6 - bits) & 63)])) }
        return text
    }

    static func value(of character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        default: nil
        }
    }
}
