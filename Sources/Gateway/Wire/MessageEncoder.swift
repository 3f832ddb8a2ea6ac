import Arenas
import JSON
import PubSub

/// Writes a message as it will be delivered: one line of JSON whose first two members, the cursor and the time, have
/// fixed places that the log fills in.
enum MessageEncoder {
    /// Where the log writes the cursor and the time.
    static let cursorOffset = 11
    static let timeOffset = cursorOffset + Cursor.byteCount + 10

    private static let blankCursor: StaticString = "00000000000000000000000"
    private static let blankTime: StaticString = "0000-00-00T00:00:00.000000Z"

    /// Begins a message. With an empty `id` the cursor serves as one.
    /// - Returns: where in the message the log is to write the id; 0 where the publisher named it.
    static func begin(topic: Span<UInt8>, id: Span<UInt8>, to buffer: inout ArenaBuffer) -> Int {
        let start = buffer.count
        buffer.append("{\"cursor\":\"")
        buffer.append(blankCursor)
        buffer.append("\",\"time\":\"")
        buffer.append(blankTime)
        buffer.append("\",\"topic\":\"")
        buffer.append(contentsOf: topic)
        buffer.append("\",\"id\":")
        if id.count > 0 {
            JSONWriter.appendString(id, to: &buffer)
            return 0
        }
        buffer.append("\"")
        let idOffset = buffer.count - start
        buffer.append(blankCursor)
        buffer.append("\"")
        return idOffset
    }

    static func key(_ key: Span<UInt8>, to buffer: inout ArenaBuffer) {
        buffer.append(",\"key\":")
        JSONWriter.appendString(key, to: &buffer)
    }

    /// Adds a member to the attributes' object, which is `{` so far where it is the first.
    static func attribute(_ name: Span<UInt8>, _ value: Span<UInt8>, isFirst: Bool, to buffer: inout ArenaBuffer) {
        buffer.append(isFirst ? "\"" : ",\"")
        for index in name.indices { buffer.append(asciiLowercase(name[index])) }
        buffer.append("\":")
        JSONWriter.appendString(value, to: &buffer)
    }

    /// Writes the attributes.
    /// - Parameters:
    ///   - object: a JSON object; empty where there are none.
    ///   - trace: one more of them.
    /// - Returns: where in the buffer it stands.
    static func attributes(_ object: Span<UInt8>, _ trace: TraceContext?, to buffer: inout ArenaBuffer) -> Int {
        buffer.append(",\"attributes\":")
        let start = buffer.count
        guard let trace else {
            buffer.append(contentsOf: object)
            return start
        }
        if object.count > 0 {
            buffer.append(contentsOf: object.extracting(0..<object.count - 1))
        } else {
            buffer.append("{")
        }
        let name = TraceContext.name
        let text = trace.text
        attribute(name.span, text.span, isFirst: object.count == 0, to: &buffer)
        buffer.append("}")
        return start
    }

    static func contentType(_ type: Span<UInt8>, to buffer: inout ArenaBuffer) {
        buffer.append(",\"content_type\":")
        JSONWriter.appendString(type, to: &buffer)
    }

    static func contentType(_ type: StaticString, to buffer: inout ArenaBuffer) {
        buffer.append(",\"content_type\":\"")
        buffer.append(type)
        buffer.append("\"")
    }

    /// Ends a message with a validated JSON value, as written.
    static func endJSON(_ value: Span<UInt8>, to buffer: inout ArenaBuffer) {
        buffer.append(",\"data\":")
        JSONWriter.appendOnOneLine(value, to: &buffer)
        buffer.append("}")
    }

    /// Ends a message with a raw body: UTF-8 as a string, anything else as base64.
    static func endBody(_ body: Span<UInt8>, isText: Bool, to buffer: inout ArenaBuffer) {
        if isText {
            buffer.append(",\"data\":")
            JSONWriter.appendString(body, to: &buffer)
        } else {
            buffer.append(",\"data_base64\":")
            JSONWriter.appendBase64String(body, to: &buffer)
        }
        buffer.append("}")
    }

    /// Ends a message with base64 text that was checked.
    static func endBase64(_ text: Span<UInt8>, to buffer: inout ArenaBuffer) {
        buffer.append(",\"data_base64\":\"")
        buffer.append(contentsOf: text)
        buffer.append("\"}")
    }
}

/// The lower-case form of an ASCII letter; any other byte as it is.
func asciiLowercase(_ byte: UInt8) -> UInt8 {
    byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
}
