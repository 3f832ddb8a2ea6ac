import Glibc

@testable import HTTP

/// A head as text: what the parser made of it.
struct ParsedHead: Equatable {
    var method: Method
    var target: RequestHead.TargetForm
    var path: String
    var query: String?
    var minorVersion: Int
    var contentLength: Int?
    var isChunked: Bool
    var expectsContinue: Bool
    var keepsAlive: Bool
    var byteCount: Int
    var fields: [String]
}

enum Parsed: Equatable {
    case head(ParsedHead)
    case incomplete
    case refused(HTTPError)
}

/// A parser behind a class: expectations cannot capture noncopyable values.
final class HeadFixture {
    private var parser: RequestParser

    init(_ change: (inout RequestParser.Limits) -> Void = { _ in }) {
        var limits = RequestParser.Limits()
        change(&limits)
        parser = RequestParser(limits: limits)
    }

    /// Parses `text` as it arrives in pieces of the given sizes, the rest at the end.
    func parse(_ text: [UInt8], pieces: [Int] = []) -> Parsed {
        var position = ScanPosition()
        var available = 0
        for piece in pieces + [text.count] {
            available = min(text.count, available + piece)
            let bytes = Array(text[..<available])
            let parsed = step(bytes, &position)
            if parsed != .incomplete || available == text.count { return parsed }
        }
        return .incomplete
    }

    func parse(_ text: String, pieces: [Int] = []) -> Parsed { parse(Array(text.utf8), pieces: pieces) }

    func value(named name: StaticString, in text: String) -> String? {
        let bytes = Array(text.utf8)
        guard case .head = parse(bytes), let value = parser.value(named: name, in: bytes.span) else { return nil }
        return String(decoding: bytes[value.range], as: UTF8.self)
    }

    func isRepeated(_ name: StaticString, in text: String) -> Bool? {
        let bytes = Array(text.utf8)
        guard case .head = parse(bytes) else { return nil }
        return parser.value(named: name, in: bytes.span)?.isRepeated
    }

    private func step(_ bytes: [UInt8], _ position: inout ScanPosition) -> Parsed {
        func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
        do throws(HTTPError) {
            guard case .head(let head) = try parser.parse(bytes.span, resume: &position) else { return .incomplete }
            let fields = (0..<head.fieldCount).map { index in
                let field = parser.field(at: index)
                return text(field.name) + "=" + text(field.value)
            }
            return .head(
                ParsedHead(
                    method: head.method, target: head.targetForm, path: text(head.path), query: head.query.map(text),
                    minorVersion: head.minorVersion, contentLength: head.contentLength, isChunked: head.isChunked,
                    expectsContinue: head.expectsContinue, keepsAlive: head.keepsAlive, byteCount: head.byteCount,
                    fields: fields))
        } catch {
            return .refused(error)
        }
    }
}

/// A generator that replays from its seed.
struct SeededGenerator: RandomNumberGenerator {
    let seed: UInt64
    private var state: UInt64

    /// `POSTERN_TEST_SEED` names the seed of a run that is to be repeated.
    init() {
        // unsafe: the environment's text, read at once.
        let named = unsafe getenv("POSTERN_TEST_SEED").flatMap { unsafe UInt64(String(cString: $0)) }
        seed = named ?? .random(in: 0 ... .max)
        state = seed
    }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
