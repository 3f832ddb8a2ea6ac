import Arenas
import HTTP
import PubSub

/// A query's parameters, each known by name, there at most once, and decoded.
struct Parameters: ~Escapable {
    let items: QueryItems
    let bytes: Span<UInt8>

    @_lifetime(copy bytes)
    init(_ query: Range<Int>?, of bytes: Span<UInt8>) {
        items = QueryItems(query, of: bytes)
        self.bytes = bytes
    }

    /// Refuses parameters that are not of `names`, and those that are there twice: `wiat=30s` must not silently mean no
    /// wait.
    func check(_ names: ParameterNames) throws(APIProblem) {
        var items = items
        var seen: UInt32 = 0
        while let item = items.next() {
            guard let index = names.index(of: bytes.extracting(item.name)) else {
                let nearest = names.nearest(to: bytes.extracting(item.name))
                throw APIProblem(400, "unknown_parameter", "this request has no such parameter").with {
                    $0.parameterRange = item.name
                    $0.suggestion = nearest
                }
            }
            guard seen & 1 << UInt32(index) == 0 || names.mayRepeat(index) else {
                throw APIProblem(400, "invalid_parameter", "the parameter is there twice").with {
                    $0.parameterRange = item.name
                }
            }
            seen |= 1 << UInt32(index)
        }
    }

    /// The decoded value of a parameter; nil where it is not there.
    @_lifetime(copy self, borrow arena)
    func value(_ name: StaticString, in arena: borrowing ScopedArena) throws(APIProblem) -> Span<UInt8>? {
        var items = items
        while let item = items.next() {
            guard bytes.extracting(item.name).equals(name) else { continue }
            do throws(PercentError) {
                return try PercentDecoding.decode(bytes.extracting(item.value), as: .query, in: arena)
            } catch {
                throw .from(error, parameter: name)
            }
        }
        return nil
    }

    /// The decoded value of a parameter; empty where it is not there.
    @_lifetime(copy self, borrow arena)
    func text(_ name: StaticString, in arena: borrowing ScopedArena) throws(APIProblem) -> Span<UInt8> {
        guard let value = try value(name, in: arena) else { return Span() }
        return value
    }

    /// A whole number within a range.
    func integer(
        _ name: StaticString, _ range: ClosedRange<Int>, orElse fallback: Int, _ wanted: StaticString,
        in arena: borrowing ScopedArena
    ) throws(APIProblem) -> Int {
        guard let text = try value(name, in: arena) else { return fallback }
        var number = 0
        guard text.count > 0, text.count <= 9 else { throw .invalidParameter(name, wanted) }
        for index in text.indices {
            guard text[index] >= 48, text[index] < 58 else { throw .invalidParameter(name, wanted) }
            number = number * 10 + Int(text[index] - 48)
        }
        guard range.contains(number) else { throw .invalidParameter(name, wanted) }
        return number
    }
}

/// The parameters that a request may have.
enum ParameterNames {
    case none, read, readWithToken, list

    private var count: Int {
        switch self {
        case .none: 0
        case .read: 7
        case .readWithToken: 8
        case .list: 3
        }
    }

    private func name(_ index: Int) -> StaticString {
        switch (self, index) {
        case (.read, 0), (.readWithToken, 0): "after"
        case (.read, 1), (.readWithToken, 1): "wait"
        case (.read, 2), (.readWithToken, 2): "limit"
        case (.read, 3), (.readWithToken, 3): "since"
        case (.read, 4), (.readWithToken, 4): "gap"
        case (.read, 5), (.readWithToken, 5): "format"
        case (.read, 6), (.readWithToken, 6): "filter"
        case (.readWithToken, _): "access_token"
        case (.list, 0): "prefix"
        case (.list, 1): "limit"
        default: "page"
        }
    }

    /// Whether a parameter may be there more than once.
    func mayRepeat(_ index: Int) -> Bool { (self == .read || self == .readWithToken) && index == 6 }

    func index(of text: Span<UInt8>) -> Int? {
        for index in 0..<count where text.equals(name(index)) { return index }
        return nil
    }

    /// The name that differs least; nil where none is near.
    func nearest(to text: Span<UInt8>) -> StaticString? {
        guard text.count <= 16 else { return nil }
        var best: StaticString?
        var least = 3
        for index in 0..<count {
            let distance = Self.distance(text, name(index))
            if distance < least {
                least = distance
                best = name(index)
            }
        }
        return best
    }

    /// How many bytes are to be changed, added, dropped or swapped with their neighbour (optimal string alignment).
    private static func distance(_ a: Span<UInt8>, _ b: StaticString) -> Int {
        let letters = (0..<b.utf8CodeUnitCount).map { b[$0] }
        var rows = [Array(0...letters.count)]
        for i in 1...max(a.count, 1) where a.count > 0 {
            var row = [i]
            for j in 1...letters.count {
                let cost = a[i - 1] == letters[j - 1] ? 0 : 1
                var value = min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + cost)
                if i > 1, j > 1, a[i - 1] == letters[j - 2], a[i - 2] == letters[j - 1] {
                    value = min(value, rows[i - 2][j - 2] + 1)
                }
                row.append(value)
            }
            rows.append(row)
        }
        return rows[a.count][letters.count]
    }
}

extension APIProblem {
    static func from(_ error: PercentError, parameter: StaticString) -> APIProblem {
        switch error {
        case .malformed(let offset):
            invalidParameter(parameter, "a percent sign is followed by two hex digits").with { $0.offset = offset }
        case .arena(let error): from(error)
        }
    }
}
