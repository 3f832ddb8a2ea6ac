import Arenas
import JSON

/// A JSON document as a tree: what a reply says. For replies of a size that a person or a script takes; a plain value.
public indirect enum JSONValue: Equatable, Sendable {
    case null
    case bool(Bool)
    /// As it was written.
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([(name: String, value: JSONValue)])

    public static func == (a: JSONValue, b: JSONValue) -> Bool {
        switch (a, b) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.number(let a), .number(let b)), (.string(let a), .string(let b)): a == b
        case (.array(let a), .array(let b)): a == b
        case (.object(let a), .object(let b)): a.elementsEqual(b) { $0.name == $1.name && $0.value == $1.value }
        default: false
        }
    }

    /// Reads a document (RFC 8259); nil where it is none.
    public init?(parsing bytes: Span<UInt8>) {
        do {
            let arena = ScopedArena(limits: .init(initialBytes: 16 << 10, maximumBytes: 64 << 20))
            var reader = JSONReader(bytes, depthLimit: 128)
            self = try Self.value(&reader, bytes, arena)
            try reader.finish()
        } catch {
            return nil
        }
    }

    @_lifetime(reader: copy reader)
    private static func value(
        _ reader: inout JSONReader, _ bytes: Span<UInt8>, _ arena: borrowing ScopedArena
    ) throws(JSONError) -> JSONValue {
        switch try reader.peek() {
        case .object:
            var members: [(String, JSONValue)] = []
            try reader.beginObject()
            while let key = try reader.nextKey(in: arena) {
                let name = text(key)
                members.append((name, try value(&reader, bytes, arena)))
            }
            return .object(members)
        case .array:
            var elements: [JSONValue] = []
            try reader.beginArray()
            while try reader.nextElement() { elements.append(try value(&reader, bytes, arena)) }
            return .array(elements)
        case .string: return .string(text(try reader.readString(in: arena)))
        case .number:
            let range = try reader.skipValue()
            return .number(text(bytes.extracting(range)))
        case .true, .false: return .bool(try reader.readBool())
        case .null:
            try reader.readNull()
            return .null
        }
    }

    private static func text(_ bytes: Span<UInt8>) -> String {
        String(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
    }

    /// A member of an object; nil where there is none.
    public subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    public var string: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    public var integer: Int? {
        guard case .number(let text) = self else { return nil }
        return Int(text)
    }

    public var elements: [JSONValue] {
        guard case .array(let elements) = self else { return [] }
        return elements
    }

    public var members: [(name: String, value: JSONValue)] {
        guard case .object(let members) = self else { return [] }
        return members
    }

    /// As a document without white space.
    public var text: String {
        switch self {
        case .null: "null"
        case .bool(let flag): flag ? "true" : "false"
        case .number(let text): text
        case .string(let text): Self.quoted(text)
        case .array(let elements): "[" + elements.map(\.text).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.map { Self.quoted($0.name) + ":" + $0.value.text }.joined(separator: ",") + "}"
        }
    }

    /// A text as a JSON string.
    public static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            case _ where scalar.value < 0x20:
                quoted += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
