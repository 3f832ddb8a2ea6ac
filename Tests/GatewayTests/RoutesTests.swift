import Testing

@testable import Gateway

@Suite struct RoutesTests {
    @Test func everyOperationOfTheDocumentHasAHandlerOfItsName() {
        let document = String(decoding: PackageResources.openapi_yaml, as: UTF8.self)
        let documented = document.split(separator: "\n").compactMap { line -> String? in
            let parts = line.split(separator: ":")
            guard parts.count == 2, parts[0].hasSuffix(" operationId") else { return nil }
            return parts[1].filter { $0 != " " }
        }
        let handlers = Operation.allCases.filter { $0 != .none }.map { "\($0.name)" }
        #expect(documented.count == handlers.count)
        #expect(Set(documented) == Set(handlers))
    }

    @Test(arguments: [
        ("/v1/topics/a.b/messages", Resource.topicMessages, "a.b"), ("/v1/topics/a", .topic, "a"),
        ("/v1/topics", .topics, ""),
        ("/v1/messages", .messages, ""), ("/livez", .livez, ""), ("/", .console, ""), ("/v1/stats", .stats, ""),
        ("/openapi.yaml", .openAPI, ""),
    ])
    func paths(_ path: String, _ resource: Resource, _ parameter: String) {
        let bytes = Array(path.utf8)
        guard let found = Resource.find(0..<bytes.count, in: bytes.span) else {
            Issue.record("no resource at \(path)")
            return
        }
        #expect(found.resource == resource && String(decoding: bytes[found.parameter], as: UTF8.self) == parameter)
    }

    @Test(arguments: [
        "", "//", "/v1", "/v1/topics/", "/v1/topics//messages", "/v1/topics/a/messages/", "/v1/topics/a/b", "/livez2",
        "/v2/topics",
    ])
    func nothing(_ path: String) {
        let bytes = Array(path.utf8)
        let found = Resource.find(0..<bytes.count, in: bytes.span)
        #expect(found == nil)
    }
}

@Suite struct WireTests {
    @Test(
        arguments: [
            ("30s", 30_000_000), ("500ms", 500_000), ("10m", 600_000_000), ("2h", 7_200_000_000),
            ("7d", 604_800_000_000), ("5", 5_000_000), ("0", 0),
        ] as [(String, Int64)])
    func durations(_ text: String, _ microseconds: Int64) {
        let result = Duration.microseconds(Array(text.utf8).span)
        #expect(result == microseconds)
    }

    @Test(arguments: ["", "s", "-1s", "1.5s", "1 s", "1w", "1S", "99999999999999999999", "36501d", "1ss"])
    func notDurations(_ text: String) {
        let result = Duration.microseconds(Array(text.utf8).span)
        #expect(result == nil)
    }

    @Test(arguments: [
        ("wiat", "wait"), ("limt", "limit"), ("Limit", "limit"), ("aftr", "after"), ("sinc", "since"),
        ("formt", "format"), ("fliter", "filter"),
    ])
    func suggestions(_ text: String, _ expected: String) {
        let nearest = ParameterNames.read.nearest(to: Array(text.utf8).span)
        #expect(nearest.map { "\($0)" } == expected)
    }

    @Test func nothingIsSuggestedForWhatIsFarOff() {
        let nearest = ParameterNames.read.nearest(to: Array("colour".utf8).span)
        #expect(nearest == nil)
    }

    @Test(arguments: ReadForm.Kind.allCases, [true, false])
    func aFormSurvivesPacking(_ kind: ReadForm.Kind, isChunked: Bool) {
        for wait in [0, 1, 60_000] {
            for fate in [ConnectionFate.staysOpen, .staysOpenExplicitly, .closes] {
                for skips in [true, false] {
                    var form = ReadForm()
                    form.kind = kind
                    form.isChunked = isChunked
                    form.waitMilliseconds = wait
                    form.fate = fate
                    form.skipsGaps = skips
                    #expect(ReadForm(packed: form.packed) == form)
                }
            }
        }
    }

    @Test(arguments: [
        ("", true), ("YQ==", true), ("YWI=", true), ("YWJj", true), ("YQ=", false), ("Y===", false),
        ("YQ==YQ==", false), ("YW-_", false), ("YWJ\n", false),
    ])
    func base64(_ text: String, _ expected: Bool) {
        let result = MessageRules.isBase64(Array(text.utf8).span)
        #expect(result == expected)
    }

    @Test func keysAtTheirEdge() {
        let longest = [UInt8](repeating: 0x61, count: 255)
        let longer = longest + [0x61]
        func verdicts(_ text: [UInt8]) -> [Bool] {
            [MessageRules.isIdempotencyKey(text.span), MessageRules.isKey(text.span)]
        }
        #expect(verdicts(longest) == [true, true])
        #expect(verdicts(longer) == [false, false])
        #expect(verdicts(Array("ä".utf8)) == [false, true])
        #expect(verdicts([0x01]) == [false, false])
        #expect(verdicts([0xFF]) == [false, false])
        #expect(verdicts([]) == [false, false])
    }
}
