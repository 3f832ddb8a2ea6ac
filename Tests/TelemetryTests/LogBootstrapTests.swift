import Testing

@testable import Telemetry

@Suite
struct LogBootstrapTests {
    @Test
    func sendsTheProcessesLogToStandardError() async throws {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            bootstrapLogging(
                level: .notice, format: .json, metadataProvider: Logger.MetadataProvider { ["from": "provider"] })
            let logger = Logger(label: "postern")
            logger.info("too low")
            logger.notice("hello", metadata: ["port": "80"])
        }
        let lines = try Tool.fieldsOfJSONLines(try #require(result).standardErrorContent)
        #expect(lines.count == 1)
        #expect(
            lines.first?.hasSuffix(
                "|'level'='notice'|'logger'='postern'|'message'='hello'|'from'='provider'|'port'='80'") == true)
    }

    @Test
    func writesTextWhereThatIsAskedFor() async throws {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            bootstrapLogging(level: .info, format: .text)
            Logger(label: "").info("hello")
        }
        let text = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
        #expect(text.hasSuffix("Z info hello\n"))
    }

    @Test
    func knowsItsLevelsByName() {
        #expect(LogLevel(rawValue: "info") == .info)
        #expect(LogLevel(rawValue: "loud") == nil)
    }
}
