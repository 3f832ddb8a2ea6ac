import Testing

@testable import PosternClient

@Suite struct ReceivedMessageTests {
    private func message(_ members: String) throws -> ReceivedMessage {
        let text = #"{"cursor":"c1","topic":"t","# + members + "}"
        let json = JSONValue(parsing: Array(text.utf8).span) ?? .null
        return try #require(ReceivedMessage(json))
    }

    @Test func dataIsWhatWasPublished() throws {
        #expect(try message(#""data":"text\n""#).data == Array("text\n".utf8))
        #expect(try message(#""data":{"x":[1,2]}"#).data == Array(#"{"x":[1,2]}"#.utf8))
        #expect(try message(#""data_base64":"AP8K""#).data == [0, 255, 10])
        #expect(try message(#""data_base64":"AP8=""#).data == [0, 255])
        #expect(try message(#""data_base64":"AA==""#).data == [0])
        #expect(try message(#""data_base64":"""#).data == [])
    }

    @Test func aCommandIsToldOfItInVariables() throws {
        let message = try message(#""id":"i","key":"k","attributes":{"region-eu":"x","ü":"y"},"data":1"#)
        let variables = Dictionary(message.environment, uniquingKeysWith: { first, _ in first })
        #expect(
            variables == [
                "POSTERN_TOPIC": "t", "POSTERN_CURSOR": "c1", "POSTERN_ID": "i", "POSTERN_KEY": "k",
                "POSTERN_ATTR_REGION_EU": "x", "POSTERN_ATTR__": "y",
            ])
    }

    @Test func whatHasNoCursorIsNone() {
        #expect(ReceivedMessage(.object([("topic", .string("t"))])) == nil)
    }
}
