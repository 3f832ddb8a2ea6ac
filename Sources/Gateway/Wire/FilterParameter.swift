import Arenas
import HTTP
import JSON
import PubSub

/// `filter=` as clients write it: `NAME:VALUE`, `NAME:PREFIX*`, `NAME!VALUE`, `NAME!PREFIX*`, or `NAME` alone.
enum FilterParameter {
    private static let name: StaticString = "filter"

    /// Compiles all `filter` parameters of a request; all of them must hold.
    @_lifetime(copy parameters, borrow arena)
    static func compile(
        _ parameters: borrowing Parameters, in arena: borrowing ScopedArena
    ) throws(APIProblem) -> MessageFilter {
        var compiled = ArenaBuffer(in: arena, capacity: 256)
        var items = parameters.items
        var count = 0
        while let item = items.next() {
            guard parameters.bytes.extracting(item.name).equals(name) else { continue }
            count += 1
            guard count <= MessageFilter.maximumTests else {
                throw APIProblem.invalidParameter(name, "a read has at most 8 filters").with {
                    $0.limit = MessageFilter.maximumTests
                }
            }
            let text: Span<UInt8>
            do throws(PercentError) {
                text = try PercentDecoding.decode(parameters.bytes.extracting(item.value), as: .query, in: arena)
            } catch {
                throw .from(error, parameter: name)
            }
            try append(text, to: &compiled, in: arena)
        }
        guard count > 0 else { return MessageFilter(compiled: Span()) }
        do throws(ArenaError) { return MessageFilter(compiled: try compiled.finish()) } catch { throw .from(error) }
    }

    @_lifetime(compiled: copy compiled, borrow arena)
    private static func append(
        _ text: Span<UInt8>, to compiled: inout ArenaBuffer, in arena: borrowing ScopedArena
    ) throws(APIProblem) {
        var nameEnd = 0
        while nameEnd < text.count, text[nameEnd] != UInt8(ascii: ":"), text[nameEnd] != UInt8(ascii: "!") {
            nameEnd += 1
        }
        if let offset = MessageRules.attributeNameError(text.extracting(0..<nameEnd)) {
            throw problem("an attribute's name is 1 to 64 of A-Za-z0-9_-, before : or !", at: offset)
        }
        var name = ArenaBuffer(in: arena, capacity: nameEnd)
        for index in 0..<nameEnd { name.append(asciiLowercase(text[index])) }
        var value = ArenaBuffer(in: arena, capacity: text.count + 16)
        var test = MessageFilter.Test.isPresent
        if nameEnd < text.count {
            let isNegated = text[nameEnd] == UInt8(ascii: "!")
            let isPrefix = text[text.count - 1] == UInt8(ascii: "*") && text.count - 1 > nameEnd
            let wanted = text.extracting(nameEnd + 1..<(isPrefix ? text.count - 1 : text.count))
            guard MessageRules.isAttributeValue(wanted) else {
                throw problem("an attribute has at most 1024 bytes of UTF-8", at: nameEnd + 1)
            }
            JSONWriter.appendEscaped(wanted, to: &value)
            test = isNegated ? (isPrefix ? .lacksPrefix : .differs) : (isPrefix ? .hasPrefix : .equals)
        }
        do throws(ArenaError) {
            MessageFilter.append(test, name: try name.finish(), value: try value.finish(), to: &compiled)
        } catch {
            throw .from(error)
        }
    }

    private static func problem(_ detail: StaticString, at offset: Int) -> APIProblem {
        APIProblem(400, "invalid_filter", detail).with {
            $0.parameter = name
            $0.offset = offset
        }
    }
}

extension Replies {
    /// Writes a filter as the parameters that it was made of, for a link.
    mutating func filterParameters(_ filter: borrowing MessageFilter) {
        filter.forEach { test, name, value in
            output.append("&filter=")
            output.append(contentsOf: name)
            switch test {
            case .isPresent: return
            case .equals, .hasPrefix: output.append(":")
            case .differs, .lacksPrefix: output.append("!")
            }
            percentEncode(unescaping: value)
            if test == .hasPrefix || test == .lacksPrefix { output.append("*") }
        }
    }

    /// Writes what `JSONWriter.appendEscaped` escaped, percent-encoded (RFC 3986, section 2.1).
    private mutating func percentEncode(unescaping text: Span<UInt8>) {
        var index = 0
        while index < text.count {
            var byte = text[index]
            index += 1
            if byte == UInt8(ascii: "\\") {
                let code = text[index]
                index += 1
                switch code {
                case UInt8(ascii: "b"): byte = 8
                case UInt8(ascii: "t"): byte = 9
                case UInt8(ascii: "n"): byte = 10
                case UInt8(ascii: "f"): byte = 12
                case UInt8(ascii: "r"): byte = 13
                case UInt8(ascii: "u"):
                    byte = Self.value(text[index + 2]) << 4 | Self.value(text[index + 3])
                    index += 4
                default: byte = code
                }
            }
            let isPlain = MessageRules.isNameByte(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "~")
            if isPlain {
                output.append(byte)
            } else {
                output.append("%")
                output.append(Self.digit(byte >> 4))
                output.append(Self.digit(byte & 15))
            }
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? value + 48 : value + 55 }

    private static func value(_ digit: UInt8) -> UInt8 {
        digit < 58 ? digit - 48 : asciiLowercase(digit) - UInt8(ascii: "a") + 10
    }
}
