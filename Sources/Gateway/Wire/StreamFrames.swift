import Arenas
import HTTP
import PubSub

/// What a stream is made of: server-sent events (WHATWG HTML, section 9.2) or lines of JSON. What is no message is a
/// named event, or a line whose object has a member `event`, which no message has.
extension Replies {
    /// Writes a stream's head; what follows has no known length.
    mutating func streamHead(_ form: ReadForm, _ position: Cursor) {
        begin(200, form.kind == .eventStream ? "text/event-stream" : "application/x-ndjson", .closes)
        output.append("Cache-Control: no-store\r\nX-Accel-Buffering: no\r\nCursor: ")
        position.write(to: &output)
        output.append(form.isChunked ? "\r\nTransfer-Encoding: chunked\r\n\r\n" : "\r\n\r\n")
    }

    // MARK: Chunks (RFC 9112, section 7.1)

    private static let chunkSizeDigits = 8

    /// Begins a piece of a stream.
    mutating func beginPiece(_ form: ReadForm) -> Int {
        if form.isChunked { output.append("00000000\r\n") }
        return output.count
    }

    /// Ends a piece of a stream, which is sent as one chunk; one that is empty is taken back, as it would end the stream.
    mutating func endPiece(_ start: Int, _ form: ReadForm) {
        guard form.isChunked else { return }
        var size = output.count - start
        guard size > 0 else { return output.truncate(to: start - Self.chunkSizeDigits - 2) }
        output.append("\r\n")
        var bytes = output.mutableSpan
        for place in 0..<Self.chunkSizeDigits {
            let digit = UInt8(truncatingIfNeeded: size & 15)
            bytes[start - 3 - place] = digit < 10 ? digit + 48 : digit + 87
            size >>= 4
        }
    }

    /// Says that nothing more follows.
    mutating func endStream(_ form: ReadForm) {
        if form.isChunked { output.append("0\r\n\r\n") }
    }

    // MARK: What stands in them

    /// A message as it is stored, one line of JSON.
    mutating func streamMessage(_ message: Span<UInt8>, _ kind: ReadForm.Kind) {
        if kind == .eventStream {
            output.append("id: ")
            let start = MessageEncoder.cursorOffset
            output.append(contentsOf: message.extracting(start..<start + Cursor.byteCount))
            output.append("\ndata: ")
            output.append(contentsOf: message)
            output.append("\n\n")
        } else {
            output.append(contentsOf: message)
            output.append("\n")
        }
    }

    /// How long an EventSource waits before it connects again, and where the stream begins: a client that sees no
    /// message can resume too.
    mutating func streamOpening(_ position: Cursor) {
        output.append("retry: 2000\n")
        streamPosition(position, .eventStream)
    }

    /// Nothing that the client wants stands up to here.
    mutating func streamPosition(_ position: Cursor, _ kind: ReadForm.Kind) {
        beginEvent("position", id: position, kind)
        output.append("\"cursor\":")
        cursor(position)
        endEvent(kind)
    }

    /// Messages were lost between two positions.
    mutating func streamGap(after: Cursor, earliest: Cursor, _ kind: ReadForm.Kind) {
        beginEvent("gap", id: earliest, kind)
        output.append("\"after\":")
        cursor(after)
        output.append(",\"earliest\":")
        cursor(earliest)
        endEvent(kind)
    }

    /// The server ends the stream on purpose.
    mutating func streamEnd(_ reason: StaticString, _ position: Cursor, _ kind: ReadForm.Kind) {
        beginEvent("end", id: position, kind)
        output.append("\"reason\":\"")
        output.append(reason)
        output.append("\",\"cursor\":")
        cursor(position)
        endEvent(kind)
    }

    /// A sign of life that is no event and no record.
    mutating func streamHeartbeat(_ kind: ReadForm.Kind) { output.append(kind == .eventStream ? ":\n" : "\n") }

    private mutating func beginEvent(_ name: StaticString, id: Cursor, _ kind: ReadForm.Kind) {
        if kind == .eventStream {
            output.append("event: ")
            output.append(name)
            output.append("\nid: ")
            id.write(to: &output)
            output.append("\ndata: {")
        } else {
            output.append("{\"event\":\"")
            output.append(name)
            output.append("\",")
        }
    }

    private mutating func endEvent(_ kind: ReadForm.Kind) { output.append(kind == .eventStream ? "}\n\n" : "}\n") }
}
