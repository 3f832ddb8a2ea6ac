import Arenas

/// Writes a response's head, and a body whose length is known only behind it, into a loop's output. Allocates nothing.
public enum ResponseWriter {
    /// What a client that waits for it is told before it sends the body.
    public static let continueResponse: StaticString = "HTTP/1.1 100 Continue\r\n\r\n"

    /// The longest body: its length fits the ten places kept for it.
    static let maximumBodyBytes = 9_999_999_999

    /// A body under way: where its length is to be written, and where it begins.
    public struct Body: BitwiseCopyable, Sendable {
        let lengthEnd: Int
        let start: Int
    }

    /// Writes the status line.
    public static func begin(_ status: Int, to output: inout OutputBuffer) {
        switch status {
        // The two of the hot path in one piece.
        case 200: output.append("HTTP/1.1 200 OK\r\n")
        case 201: output.append("HTTP/1.1 201 Created\r\n")
        default:
            output.append("HTTP/1.1 ")
            appendInteger(status, to: &output)
            output.append(" ")
            output.append(Status.reason(status))
            output.append("\r\n")
        }
    }

    public static func field(_ name: StaticString, _ value: StaticString, to output: inout OutputBuffer) {
        output.append(name)
        output.append(": ")
        output.append(value)
        output.append("\r\n")
    }

    public static func field(_ name: StaticString, _ value: Span<UInt8>, to output: inout OutputBuffer) {
        output.append(name)
        output.append(": ")
        output.append(contentsOf: value)
        output.append("\r\n")
    }

    public static func field(_ name: StaticString, _ value: Int, to output: inout OutputBuffer) {
        output.append(name)
        output.append(": ")
        appendInteger(value, to: &output)
        output.append("\r\n")
    }

    /// Ends the head and begins a body whose length is written by `endBody`, into places that are blank until then:
    /// blanks before a value are allowed (RFC 9112, section 5).
    public static func beginBody(to output: inout OutputBuffer) -> Body {
        output.append("Content-Length:           0\r\n\r\n")
        return Body(lengthEnd: output.count - 4, start: output.count)
    }

    /// Ends the body: its length is everything written since `beginBody`.
    /// - Parameter isOmitted: the length is told but the body is not sent (HEAD).
    public static func endBody(_ body: Body, isOmitted: Bool = false, to output: inout OutputBuffer) {
        var length = output.count - body.start
        precondition(length <= maximumBodyBytes)
        if isOmitted { output.truncate(to: body.start) }
        var bytes = output.mutableSpan
        var position = body.lengthEnd - 1
        repeat {
            bytes[position] = UInt8(truncatingIfNeeded: length % 10) &+ 48
            length /= 10
            position -= 1
        } while length > 0
    }

    /// Ends the head of a response that has no body and says so by its status (204).
    public static func endWithoutBody(to output: inout OutputBuffer) { output.append("\r\n") }

    private static func appendInteger(_ value: Int, to output: inout OutputBuffer) {
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var position = 20
        var rest = value.magnitude
        repeat {
            position -= 1
            digits[position] = UInt8(truncatingIfNeeded: rest % 10) &+ 48
            rest /= 10
        } while rest > 0
        if value < 0 { output.append(UInt8(ascii: "-")) }
        output.append(contentsOf: digits.span.extracting(position..<20))
    }
}
