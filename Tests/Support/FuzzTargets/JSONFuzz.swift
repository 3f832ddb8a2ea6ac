import Arenas
import JSON

/// Feeds any bytes to the reader and traps where one of its promises breaks:
/// it never traps by itself; `validate` and the pull reader agree on the verdict, the offset and what was expected;
/// an error lies within the document; a valid document on one line is valid, says the same and has no control
/// character; a string written again reads the same.
public func fuzzJSON(_ bytes: Span<UInt8>) {
    var tokens = OutputBuffer(capacity: 64)
    let pulled = outcome { () throws(JSONError) in
        try walkJSON(bytes, into: &tokens) { number, tokens in tokens.append(contentsOf: number) }
    }
    var range = 0..<0
    let validated = outcome { () throws(JSONError) in range = try JSONReader.validate(bytes) }
    precondition(
        pulled == validated, "the pull reader: \(pulled, default: "ok"), validate: \(validated, default: "ok")")
    if case .malformed(let offset, _)? = validated {
        precondition(offset >= 0 && offset <= bytes.count, "an error outside the document")
    }
    checkString(bytes)
    guard validated == nil else { return }

    var line = OutputBuffer(capacity: 64)
    JSONWriter.appendOnOneLine(bytes.extracting(range), to: &line)
    for offset in 0..<line.count { precondition(line.span[offset] >= 0x20, "a line break was left") }
    var lineTokens = OutputBuffer(capacity: 64)
    let lineOutcome = outcome { () throws(JSONError) in
        try walkJSON(line.span, into: &lineTokens) { number, tokens in tokens.append(contentsOf: number) }
    }
    precondition(lineOutcome == nil, "one line of a valid document is not valid")
    precondition(areEqual(tokens.span, lineTokens.span), "one line says something else")
}

/// Writes `text` as a string and reads it again.
private func checkString(_ text: Span<UInt8>) {
    guard UTF8Validation.isValid(text) else { return }
    var written = OutputBuffer(capacity: 64)
    JSONWriter.appendString(text, to: &written)
    let arena = ScopedArena()
    let error = outcome { () throws(JSONError) in
        var reader = JSONReader(written.span)
        let read = try reader.readString(in: arena)
        precondition(areEqual(read, text), "a string reads otherwise than it was written")
        try reader.finish()
    }
    precondition(error == nil, "a written string is not valid")
}

private func outcome(_ body: () throws(JSONError) -> Void) -> JSONError? {
    do throws(JSONError) {
        try body()
        return nil
    } catch {
        return error
    }
}

private func areEqual(_ one: Span<UInt8>, _ other: Span<UInt8>) -> Bool {
    guard one.count == other.count else { return false }
    for offset in one.indices where one[offset] != other[offset] { return false }
    return true
}
