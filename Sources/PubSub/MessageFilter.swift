import Arenas

/// Which messages a reader wants of the topics it selects: tests on attributes, which must all hold.
///
/// A filter is compiled once, into bytes that can be kept and compared, and is held against a message's attributes as
/// they are stored, so that nothing is decoded and nothing allocated.
public struct MessageFilter: ~Escapable {
    /// Most tests of one filter; bounds the work for each message.
    public static let maximumTests = 8

    /// What is asked of one attribute. A message without the attribute differs from every value.
    public enum Test: UInt8, Sendable {
        case equals = 1
        case hasPrefix
        case differs
        case lacksPrefix
        case isPresent
    }

    /// The tests one after the other: kind, the name's length, the value's length in two bytes, name, value.
    public let compiled: Span<UInt8>

    /// A filter from what `append` wrote; without bytes, one that lets every message through.
    @_lifetime(copy compiled)
    public init(compiled: Span<UInt8>) { self.compiled = compiled }

    public var isEmpty: Bool { compiled.count == 0 }

    /// Appends one test to a filter under construction.
    /// - Parameters:
    ///   - name: in lower case, as attributes are stored; at most 255 bytes.
    ///   - value: escaped as JSON strings are when they are stored, without quotes; at most 65,535 bytes.
    @_lifetime(buffer: copy buffer)
    public static func append(_ test: Test, name: Span<UInt8>, value: Span<UInt8>, to buffer: inout ArenaBuffer) {
        buffer.append(test.rawValue)
        buffer.append(UInt8(name.count))
        buffer.append(UInt8(value.count >> 8))
        buffer.append(UInt8(value.count & 0xFF))
        buffer.append(contentsOf: name)
        buffer.append(contentsOf: value)
    }

    /// Calls `body` with each test, as `append` was given it.
    public func forEach(_ body: (Test, _ name: Span<UInt8>, _ value: Span<UInt8>) -> Void) {
        var position = 0
        while position < compiled.count {
            let (test, name, value) = ranges(at: position)
            body(test, compiled.extracting(name), compiled.extracting(value))
            position = value.upperBound
        }
    }

    private func ranges(at position: Int) -> (Test, name: Range<Int>, value: Range<Int>) {
        guard let test = Test(rawValue: compiled[position]) else {
            preconditionFailure("a filter that was not compiled here")
        }
        let nameStart = position + 4
        let valueStart = nameStart + Int(compiled[position + 1])
        let end = valueStart + (Int(compiled[position + 2]) << 8 | Int(compiled[position + 3]))
        return (test, nameStart..<valueStart, valueStart..<end)
    }

    /// Whether a stored message passes every test.
    /// - Parameter offset: where in the message its attributes stand, an object of strings; 0 where it has none.
    package func admits(_ message: Span<UInt8>, attributesAt offset: Int) -> Bool {
        var position = 0
        while position < compiled.count {
            let (test, name, value) = ranges(at: position)
            let wanted = compiled.extracting(value)
            let found = Self.value(of: compiled.extracting(name), in: message, at: offset)
            let holds =
                switch test {
                case .equals: Self.begins(message, found, with: wanted, exactly: true)
                case .hasPrefix: Self.begins(message, found, with: wanted, exactly: false)
                case .differs: !Self.begins(message, found, with: wanted, exactly: true)
                case .lacksPrefix: !Self.begins(message, found, with: wanted, exactly: false)
                case .isPresent: found != nil
                }
            guard holds else { return false }
            position = value.upperBound
        }
        return true
    }

    private static func begins(
        _ message: Span<UInt8>, _ value: Range<Int>?, with wanted: Span<UInt8>, exactly: Bool
    ) -> Bool {
        guard let value, exactly ? value.count == wanted.count : value.count >= wanted.count else { return false }
        for index in wanted.indices where message[value.lowerBound + index] != wanted[index] { return false }
        return true
    }

    /// Where an attribute's value stands between its quotes; nil where there is none of the name.
    private static func value(of name: Span<UInt8>, in message: Span<UInt8>, at offset: Int) -> Range<Int>? {
        guard offset > 0 else { return nil }
        let quote = UInt8(ascii: "\"")
        var position = offset + 1
        while message[position] == quote {
            // `"name":"value"`; names need no escapes.
            let nameStart = position + 1
            position = nameStart
            while message[position] != quote { position += 1 }
            let nameEnd = position
            let valueStart = nameEnd + 3
            position = valueStart
            while message[position] != quote { position += message[position] == UInt8(ascii: "\\") ? 2 : 1 }
            if nameEnd - nameStart == name.count, message.extracting(nameStart..<nameEnd).elementsEqual(name) {
                return valueStart..<position
            }
            position += 1
            if message[position] == UInt8(ascii: ",") { position += 1 }
        }
        return nil
    }
}

extension Span<UInt8> {
    func elementsEqual(_ other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for index in indices where self[index] != other[index] { return false }
        return true
    }
}
