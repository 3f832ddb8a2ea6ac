import Arenas
import PubSub

/// Takes any bytes for a cursor's text and traps where a promise breaks: a cursor has one text and a text one cursor, and
/// the texts of one log sort as its positions do.
func fuzzCursor(_ bytes: Span<UInt8>) {
    if let cursor = Cursor(parsing: bytes) { check(cursor, against: bytes) }
    guard bytes.count >= 24 else { return }
    let epoch = Epoch(rawValue: word(bytes, 0))
    let one = Cursor(epoch: epoch, sequence: word(bytes, 8))
    let other = Cursor(epoch: epoch, sequence: word(bytes, 16))
    for cursor in [one, other] {
        let text = cursor.text
        guard let read = Cursor(parsing: text.span) else { preconditionFailure("a cursor that is not read again") }
        precondition(read == cursor, "a cursor that reads otherwise")
    }
    let (oneText, otherText) = (one.text, other.text)
    precondition(
        isLess(oneText.span, otherText.span) == (one.sequence < other.sequence), "texts that sort otherwise")
}

private func check(_ cursor: Cursor, against text: Span<UInt8>) {
    var output = OutputBuffer(capacity: Cursor.byteCount)
    cursor.write(to: &output)
    output.append("behind")
    var bytes = output.mutableSpan
    cursor.write(over: &bytes, at: 0)
    precondition(output.count == Cursor.byteCount + 6, "a cursor of another length")
    for index in text.indices { precondition(output.span[index] == text[index], "two texts of one cursor") }
}

private func word(_ bytes: Span<UInt8>, _ offset: Int) -> UInt64 {
    var word: UInt64 = 0
    for index in 0..<8 { word = word << 8 | UInt64(bytes[offset + index]) }
    return word
}

private func isLess(_ one: Span<UInt8>, _ other: Span<UInt8>) -> Bool {
    for index in one.indices where one[index] != other[index] { return one[index] < other[index] }
    return false
}
