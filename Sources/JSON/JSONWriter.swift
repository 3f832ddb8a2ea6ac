import Arenas

/// Writes JSON (RFC 8259), compact, straight into a sink.
///
/// What lies between values, braces and commas, is the caller's to append. A sink that runs out of room says so
/// when it is finished; nothing here throws.
public enum JSONWriter {
    /// Appends `text` as a string in quotes.
    ///
    /// Escaped are the quote, the backslash and control characters, these in their short form where they have one.
    /// - Precondition: `text` is well-formed UTF-8 (`UTF8Validation`); it is not checked again.
    @inlinable
    @_lifetime(sink: copy sink)
    public static func appendString<Sink: ByteSink & ~Copyable & ~Escapable>(
        _ text: Span<UInt8>, to sink: inout Sink
    ) {
        sink.append(UInt8(ascii: "\""))
        appendEscaped(text, to: &sink)
        sink.append(UInt8(ascii: "\""))
    }

    /// Appends what stands between a string's quotes.
    /// - Precondition: `text` is valid UTF-8.
    @inlinable
    @_lifetime(sink: copy sink)
    public static func appendEscaped<Sink: ByteSink & ~Copyable & ~Escapable>(
        _ text: Span<UInt8>, to sink: inout Sink
    ) {
        let count = text.count
        var offset = 0
        while true {
            let end = text.firstToEscape(from: offset)
            if end > offset { sink.append(contentsOf: text.extracting(offset..<end)) }
            if end >= count { break }
            appendEscape(text[end], to: &sink)
            offset = end &+ 1
        }
    }

    /// The same for a literal.
    @inlinable
    @_lifetime(sink: copy sink)
    public static func appendEscaped<Sink: ByteSink & ~Copyable & ~Escapable>(
        _ literal: StaticString, to sink: inout Sink
    ) {
        literal.withSpan { text in appendEscaped(text, to: &sink) }
    }

    /// Appends a literal as a string in quotes, escaped where it has to be.
    @inlinable
    @_lifetime(sink: copy sink)
    public static func appendString<Sink: ByteSink & ~Copyable & ~Escapable>(
        _ literal: StaticString, to sink: inout Sink
    ) {
        guard !literal.needsEscapes else {
            literal.withSpan { text in appendString(text, to: &sink) }
            return
        }
        sink.append(UInt8(ascii: "\""))
        sink.append(literal)
        sink.append(UInt8(ascii: "\""))
    }

    /// Appends a JSON value that was read as valid, without the line breaks and tabs that stand between its tokens,
    /// so that it takes one line. Spaces that indent a line go with its break; everything else stays as written.
    /// - Precondition: `value` is one valid JSON value (`JSONReader.validate`, `JSONReader.skipValue`).
    @inlinable
    @_lifetime(sink: copy sink)
    public static func appendOnOneLine<Sink: ByteSink & ~Copyable & ~Escapable>(
        _ value: Span<UInt8>, to sink: inout Sink
    ) {
        let count = value.count
        var offset = 0
        while offset < count {
            // In valid JSON a raw control character is always white space between tokens, never part of a string.
            let end = value.firstControlCharacter(from: offset)
            if end > offset { sink.append(contentsOf: value.extracting(offset..<end)) }
            offset = end
            while offset < count, value[offset] <= 0x20 { offset &+= 1 }
        }
    }

    @usableFromInline
    static func shortEscape(of byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): byte
        case 0x08: UInt8(ascii: "b")
        case 0x09: UInt8(ascii: "t")
        case 0x0A: UInt8(ascii: "n")
        case 0x0C: UInt8(ascii: "f")
        case 0x0D: UInt8(ascii: "r")
        default: nil
        }
    }

    @inlinable
    @_lifetime(sink: copy sink)
    static func appendEscape<Sink: ByteSink & ~Copyable & ~Escapable>(_ byte: UInt8, to sink: inout Sink) {
        if let letter = shortEscape(of: byte) {
            sink.append(UInt8(ascii: "\\"))
            sink.append(letter)
            return
        }
        sink.append("\\u00")
        sink.append(UInt8(ascii: "0") &+ byte >> 4)
        let digit = byte & 0xF
        sink.append(digit < 10 ? UInt8(ascii: "0") &+ digit : UInt8(ascii: "a") &+ (digit &- 10))
    }
}
