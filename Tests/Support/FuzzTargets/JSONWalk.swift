import Arenas
import JSON

/// Reads one whole document with the pull reader and writes what it says to `tokens`, in the document's order:
/// `{` `}` `[` `]` `t` `f` `n`; `s`, a 64-bit count and so many bytes for a key or a string. How a number is
/// written down is `number`'s to say, which gets it as it stands in the document.
public func walkJSON(
    _ bytes: Span<UInt8>, depthLimit: Int = JSONReader.defaultDepthLimit, into tokens: inout OutputBuffer,
    number: (Span<UInt8>, inout OutputBuffer) -> Void
) throws(JSONError) {
    let arena = ScopedArena()
    var reader = JSONReader(bytes, depthLimit: depthLimit)
    try walkValue(of: &reader, bytes, arena, &tokens, number)
    try reader.finish()
}

@_lifetime(reader: copy reader)
private func walkValue(
    of reader: inout JSONReader, _ bytes: Span<UInt8>, _ arena: borrowing ScopedArena,
    _ tokens: inout OutputBuffer, _ number: (Span<UInt8>, inout OutputBuffer) -> Void
) throws(JSONError) {
    switch try reader.peek() {
    case .object:
        try reader.beginObject()
        tokens.append("{")
        while let key = try reader.nextKey(in: arena) {
            appendText(key, to: &tokens)
            try walkValue(of: &reader, bytes, arena, &tokens, number)
        }
        tokens.append("}")
    case .array:
        try reader.beginArray()
        tokens.append("[")
        while try reader.nextElement() { try walkValue(of: &reader, bytes, arena, &tokens, number) }
        tokens.append("]")
    case .string:
        appendText(try reader.readString(in: arena), to: &tokens)
    case .number:
        number(bytes.extracting(try reader.skipValue()), &tokens)
    case .true, .false:
        tokens.append(try reader.readBool() ? "t" : "f")
    case .null:
        try reader.readNull()
        tokens.append("n")
    }
}

private func appendText(_ text: Span<UInt8>, to tokens: inout OutputBuffer) {
    tokens.append("s")
    appendWord(UInt64(text.count), to: &tokens)
    tokens.append(contentsOf: text)
}

/// Appends eight bytes, lowest first.
public func appendWord(_ word: UInt64, to tokens: inout OutputBuffer) {
    for shift in 0..<8 { tokens.append(UInt8(truncatingIfNeeded: word >> UInt64(8 * shift))) }
}
