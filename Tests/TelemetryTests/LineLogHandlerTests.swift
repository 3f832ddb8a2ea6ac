import Logging
import Synchronization
import Testing

@testable import Telemetry

private func logger(
    to descriptor: Int32, level: Logger.Level = .info, provider: Logger.MetadataProvider? = nil
) -> Logger {
    Logger(label: "") { label in
        LineLogHandler(
            label: label, destination: .descriptor(descriptor, .json), level: level, metadataProvider: provider)
    }
}

private struct Broken: Error, CustomStringConvertible {
    var description: String { "disk on fire" }
}

@Suite
struct LineLogHandlerTests {
    private func fields(of pair: DescriptorPair) throws -> String {
        let lines = try Tool.fieldsOfJSONLines(pair.read())
        #expect(lines.count == 1)
        return String(try #require(lines.first).drop { $0 != "|" })
    }

    @Test
    func writesALineWithItsTime() throws {
        let pair = DescriptorPair.packets()
        let before = RFC3339Timestamp.now().description
        logger(to: pair.writing).info("hello")
        let line = try #require(try Tool.fieldsOfJSONLines(pair.read()).first)
        let after = RFC3339Timestamp.now().description
        let time = String(line.dropFirst("'time'='".count).prefix(27))
        #expect(before <= time && time <= after)
        #expect(line.hasSuffix("|'level'='info'|'message'='hello'"))
    }

    @Test
    func writesNothingBelowItsLevel() throws {
        let pair = DescriptorPair.packets()
        var logger = logger(to: pair.writing, level: .warning)
        logger.info("not this")
        logger.warning("this")
        #expect(try fields(of: pair) == "|'level'='warning'|'message'='this'")
        logger.logLevel = .trace
        logger.trace("now this")
        #expect(try fields(of: pair) == "|'level'='trace'|'message'='now this'")
    }

    @Test
    func theStatementBeatsTheProviderAndTheProviderTheLogger() throws {
        let pair = DescriptorPair.packets()
        var logger = logger(
            to: pair.writing, provider: Logger.MetadataProvider { ["b": "provider", "c": "provider", "p": "1"] })
        logger[metadataKey: "a"] = "logger"
        logger[metadataKey: "b"] = "logger"
        logger[metadataKey: "c"] = "logger"
        logger.info("m", metadata: ["c": "statement"])
        #expect(
            try fields(of: pair) == "|'level'='info'|'message'='m'|'a'='logger'|'b'='provider'|'c'='statement'|'p'='1'")
        #expect(logger[metadataKey: "a"] == "logger")
    }

    @Test
    func namesAnError() throws {
        let pair = DescriptorPair.packets()
        logger(to: pair.writing).error("failed", error: Broken())
        let found = try fields(of: pair)
        #expect(found.contains("'error.message'='disk on fire'"))
        #expect(found.contains("Broken"))
    }

    @Test
    func eachLineIsOneWrite() throws {
        let pair = DescriptorPair.packets()
        let logger = logger(to: pair.writing)
        for number in 0..<3 { logger.info("\(String(repeating: "x", count: 7_000 + number))") }
        for _ in 0..<3 {
            let packet = pair.read()
            #expect(packet.count > 7_000)
            #expect(packet.last == UInt8(ascii: "\n"))
            #expect(packet.count { $0 == UInt8(ascii: "\n") } == 1)
        }
    }

    @Test
    func linesOfSeveralThreadsNeverInterleave() throws {
        let writers = 4
        let linesEach = 50
        let pipe = DescriptorPair.narrowPipe()
        let collected = Mutex<[UInt8]>([])
        let logger = logger(to: pipe.writing)
        // Longer than what the pipe takes at once, so that each is split, and only the lock keeps them apart.
        let bodies = (0..<writers).map { writer in
            { @Sendable in
                for number in 0..<linesEach {
                    logger.info("\(writer) \(number) \(String(repeating: "\(writer)", count: 7_000))")
                }
            }
        }
        inParallel(
            {
                inParallel(bodies)
                pipe.closeWriting()
            },
            {
                let bytes = pipe.readToEnd()
                collected.withLock { $0 = bytes }
            })
        let lines = try Tool.fieldsOfJSONLines(collected.withLock { $0 })
        #expect(lines.count == writers * linesEach)
        for writer in 0..<writers {
            let text = String(repeating: "\(writer)", count: 7_000)
            let mine = lines.filter { $0.contains("'message'='\(writer) ") }
            for (number, line) in mine.enumerated() { #expect(line.hasSuffix("'\(writer) \(number) \(text)'")) }
            #expect(mine.count == linesEach)
        }
    }

    @Test
    func givesUpALineWhereADescriptorThatDoesNotBlockStaysFull() {
        let pipe = DescriptorPair.pipe()
        _ = pipe.fillWithoutBlocking()
        #expect(!SystemFile.write([1], to: pipe.writing, patienceMilliseconds: 0))
    }

    @Test
    func waitsForRoomWhereADescriptorDoesNotBlock() {
        let pipe = DescriptorPair.pipe()
        let filled = pipe.fillWithoutBlocking()
        let long = [UInt8](repeating: 0x61, count: 100_000)
        let received = Atomic(0)
        inParallel(
            {
                if !SystemFile.write(long, to: pipe.writing, patienceMilliseconds: 60_000) { Issue.record("gave up") }
                pipe.closeWriting()
            },
            { received.store(pipe.readToEnd().count, ordering: .relaxed) })
        let total = received.load(ordering: .relaxed)
        #expect(total == filled + long.count)
    }

    @Test
    func aLineNobodyCanTakeIsLostInSilence() {
        #expect(!SystemFile.write([1], to: -1))
        logger(to: -1).critical("into the void")
    }
}
