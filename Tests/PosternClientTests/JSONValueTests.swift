import Testing

@testable import PosternClient

@Suite struct JSONValueTests {
    private func read(_ text: String) -> JSONValue? { JSONValue(parsing: Array(text.utf8).span) }

    @Test(arguments: [
        "null", "true", "[]", "{}", "-1.5e10", "\"\"", #"{"a":[1,{"b":null}],"c":"d"}"#, #""\"\\\n\t\u0001é""#,
        #"{"a":1,"a":2}"#, "12345678901234567890.1",
    ])
    func whatIsReadIsWrittenAsTheSame(text: String) throws {
        #expect(try #require(read(text)).text == text)
    }

    @Test(arguments: ["", "{", "[1,]", "nul", "1 2", "{\"a\"}", "\"\\ud800\""])
    func whatIsNoJSONIsNothing(text: String) { #expect(read(text) == nil) }

    @Test func membersAreFoundByName() throws {
        let value = try #require(read(#"{"a":1,"b":{"c":"d"},"e":[true]}"#))
        #expect(value["a"]?.integer == 1 && value["b"]?["c"]?.string == "d" && value["e"]?.elements == [.bool(true)])
        #expect(value["x"] == nil && value["a"]?["b"] == nil && value["b"]?.integer == nil)
    }
}
