import Arenas
import JSON

/// Runs `body` and returns what it threw.
func errorOf(_ body: () throws(JSONError) -> Void) -> JSONError? {
    do throws(JSONError) {
        try body()
        return nil
    } catch {
        return error
    }
}

/// What `validate` says of a document.
func verdict(_ document: [UInt8], depthLimit: Int = JSONReader.defaultDepthLimit) -> JSONError? {
    errorOf { () throws(JSONError) in _ = try JSONReader.validate(document.span, depthLimit: depthLimit) }
}

func verdict(_ document: String) -> JSONError? { verdict(Array(document.utf8)) }

/// Where `validate` finds the value of a document it accepts.
func valueRange(_ document: String) throws(JSONError) -> Range<Int> {
    try JSONReader.validate(Array(document.utf8).span)
}

/// The decoded text of a document that is one string.
func decoded(_ document: [UInt8]) throws(JSONError) -> [UInt8] {
    let arena = ScopedArena()
    var reader = JSONReader(document.span)
    let text = try reader.readString(in: arena).array
    try reader.finish()
    return text
}

func decoded(_ document: String) throws(JSONError) -> String {
    String(decoding: try decoded(Array(document.utf8)), as: UTF8.self)
}

/// What a writer leaves in a buffer.
func written(_ body: (inout OutputBuffer) -> Void) -> [UInt8] {
    var buffer = OutputBuffer(capacity: 16)
    body(&buffer)
    return buffer.span.array
}

func writtenText(_ body: (inout OutputBuffer) -> Void) -> String { String(decoding: written(body), as: UTF8.self) }

extension Span where Element == UInt8 {
    var array: [UInt8] {
        var copy: [UInt8] = []
        copy.reserveCapacity(count)
        for offset in indices { copy.append(self[offset]) }
        return copy
    }
}

extension JSONError {
    /// Shorter to write in tables.
    static func at(_ offset: Int, _ expected: JSONExpectation) -> JSONError {
        .malformed(offset: offset, expected: expected)
    }
}
