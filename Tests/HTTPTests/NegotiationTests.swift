import Arenas
import Testing

@testable import HTTP

@Suite struct MediaTypeTests {
    private func kind(_ text: String) -> MediaType.Kind? { MediaType(parsing: Array(text.utf8).span)?.kind }

    @Test(arguments: [
        ("application/json", MediaType.Kind.json), ("Application/JSON; charset=utf-8", .json),
        ("application/problem+json", .json),
        ("application/x-ndjson", .ndjson), ("application/jsonl;a=b", .ndjson), ("application/ndjson", .ndjson),
        ("text/plain", .other),
        ("application/x-www-form-urlencoded", .formURLEncoded), ("text/json", .other), ("a/b; c=\"d;\\\"e\"", .other),
        ("a/b ; ", .other),
    ])
    func kinds(_ text: String, _ expected: MediaType.Kind) { #expect(kind(text) == expected) }

    @Test(arguments: [
        "", "json", "/json", "text/", "text plain", "a/b c", "a/b;c", "a/b;c=", "a/b;=d", "a/b;c=\"d", "a/b,c/d",
    ])
    func refuses(_ text: String) { #expect(kind(text) == nil) }
}

@Suite struct AcceptanceTests {
    private func quality(_ values: String...) -> Int {
        var acceptance = Acceptance(type: "application", subtype: "json")
        for value in values { acceptance.add(Array(value.utf8).span) }
        return acceptance.quality
    }

    @Test func withoutAFieldEverythingIsWanted() { #expect(quality() == 1000 && quality("") == 1000) }

    @Test(arguments: [
        ("application/json", 1000), ("*/*", 1000), ("application/*;q=0.5", 500),
        ("text/html, application/json;q=0.25", 250),
        ("text/html", 0), ("application/json;q=0", 0), ("*/*;q=0.8, application/json;q=0", 0),
        ("APPLICATION/JSON", 1000),
        ("application/json;q=0, */*", 0), ("nonsense, */*;q=0.1", 100), ("application/json;q=x", 1000),
        ("application/json; q=1.000", 1000),
        ("a/b;c=\"x, application/json;q=0.5\", */*;q=0.2", 200), ("application/json;c=\"\\\";q=0.9\";q=0.3", 300),
        ("a/b;c=\"x\\", 0), (", ,", 1000), ("nonsense", 0), ("application/json;q=2", 1000), ("*/json", 0),
        ("application/json;q=0.1234", 1000), ("application/json;q=0.05", 50), ("application/json;q=0x1", 1000),
        ("application/json;q=0.1x", 1000), ("application/json;q=1.5", 1000), ("application/json;q=", 1000),
        ("application/json;a=b;Q=0.7", 700), (" application/json ; q=0.7 ", 700),
        ("application/json;q=0.2, application/json;q=0.6;v=1", 600), ("*/*;q=0.6, application/*;q=0.1", 100),
        ("application/jsonx", 0), ("a/b;q=0.9, application/*;q=0.3, */*;q=0.7", 300),
    ])
    func weights(_ value: String, _ expected: Int) { #expect(quality(value) == expected) }

    @Test func anEmptyFieldTakesNothingBack() { #expect(quality("", "text/html") == 0 && quality(" , ") == 1000) }

    @Test func severalFieldsCountTogether() { #expect(quality("text/html", "application/json;q=0.4") == 400) }
}

@Suite struct DecodingTests {
    private func decode(_ text: String, _ form: PercentDecoding.Form = .path) -> Result<String, PercentError> {
        let arena = ScopedArena()
        let raw = Array(text.utf8)
        do throws(PercentError) {
            let span = try PercentDecoding.decode(raw.span, as: form, in: arena)
            var bytes: [UInt8] = []
            for index in span.indices { bytes.append(span[index]) }
            return .success(String(decoding: bytes, as: UTF8.self))
        } catch {
            return .failure(error)
        }
    }

    @Test(arguments: [
        ("abc", "abc"), ("a%20b", "a b"), ("%41%62", "Ab"), ("a+b", "a+b"), ("%C3%A4", "ä"), ("", ""), ("%2525", "%25"),
    ])
    func paths(_ raw: String, _ decoded: String) { #expect(decode(raw) == .success(decoded)) }

    @Test func aPlusIsASpaceInQueriesOnly() { #expect(decode("a+b%2B", .query) == .success("a b+")) }

    @Test(arguments: [("%", 0), ("a%4", 1), ("%zz", 0), ("ab%4g", 2), ("%41%", 3)])
    func refuses(_ raw: String, _ offset: Int) { #expect(decode(raw) == .failure(.malformed(offset: offset))) }

    @Test func whatDoesNotFitTheArenaIsRefused() {
        let arena = ScopedArena(limits: ScopedArena.Limits(initialBytes: 64, maximumBytes: 64))
        let raw = [UInt8](repeating: UInt8(ascii: "+"), count: 1000)
        var error: PercentError?
        do throws(PercentError) { _ = try PercentDecoding.decode(raw.span, as: .query, in: arena) } catch let caught {
            error = caught
        }
        guard case .arena = error else { return #expect(Bool(false), "the arena is full") }
    }

    /// Every byte survives being encoded; what is not encoded is not copied.
    @Test func everyByteIsReadBack() {
        for byte in UInt8.min...UInt8.max {
            let digits = String(byte, radix: 16)
            let encoded = "%" + (digits.utf8.count == 1 ? "0" : "") + digits
            for text in [encoded, encoded.uppercased()] {
                #expect(decode("a" + text + "b") == .success("a" + String(decoding: [byte], as: UTF8.self) + "b"))
            }
        }
    }

    private func items(_ query: String) -> [String] {
        let bytes = Array(query.utf8)
        var items = QueryItems(0..<bytes.count, of: bytes.span)
        var found: [String] = []
        while let item = items.next() {
            found.append(
                String(decoding: bytes[item.name], as: UTF8.self) + ":"
                    + String(decoding: bytes[item.value], as: UTF8.self))
        }
        return found
    }

    @Test func queryItems() {
        #expect(items("a=1&b=&c&=d&&e=f=g") == ["a:1", "b:", "c:", ":d", "e:f=g"])
        #expect(items("") == [])
        let bytes: [UInt8] = []
        var none = QueryItems(nil, of: bytes.span)
        let first = none.next()
        #expect(first == nil)
    }
}
