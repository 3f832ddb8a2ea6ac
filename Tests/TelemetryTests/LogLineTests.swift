import Logging
import Testing

@testable import Telemetry

private func line(_ form: LogLine.Form, _ message: String, label: String = "", _ fields: Logger.Metadata = [:])
    -> String
{
    let line = LogLine(
        time: RFC3339Timestamp(unixMicroseconds: 1_795_406_700_123_456), level: .warning, label: label,
        message: message, fields: fields)
    return String(decoding: line.bytes(form), as: UTF8.self)
}

private struct Celsius: CustomStringConvertible {
    var description: String { "21 °C" }
}

private let fields: Logger.Metadata = [
    "port": .stringConvertible(8_080), "big": .stringConvertible(UInt64.max), "ratio": .stringConvertible(0.5),
    "none": .stringConvertible(Double.nan), "ok": .stringConvertible(true), "room": .stringConvertible(Celsius()),
    "list": ["a", .array([]), "b"], "map": ["y": "1", "x": ["z": "2"]],
]

@Suite
struct LogLineTests {
    static let nasty = "q\" b\\ n\n r\r t\t nul\0 esc\u{1B}[31m del\u{7F} c1\u{9B} ls\u{2028} ps\u{2029} é 漢 🚪"

    @Test
    func jsonHasAFieldForEachValue() {
        #expect(
            line(.json, "parked", label: "loop", fields)
                == #"{"time":"2026-11-23T04:05:00.123456Z","level":"warning","logger":"loop","message":"parked","#
                + #""big":18446744073709551615,"list":["a",[],"b"],"map":{"x":{"z":"2"},"y":"1"},"none":"nan","#
                + #""ok":true,"port":8080,"ratio":0.5,"room":"21 °C"}"# + "\n")
    }

    @Test
    func pythonReadsEveryValueBack() throws {
        let read = try Tool.fieldsOfJSONLines(Array(line(.json, "parked", fields).utf8))
        #expect(
            read == [
                "'time'='2026-11-23T04:05:00.123456Z'|'level'='warning'|'message'='parked'|'big'=18446744073709551615"
                    + "|'list'=['a', [], 'b']|'map'={'x': {'z': '2'}, 'y': '1'}|'none'='nan'|'ok'=True|'port'=8080"
                    + #"|'ratio'=0.5|'room'='21 \xb0C'"#
            ])
    }

    @Test
    func pythonReadsNastyStringsBack() throws {
        let text = line(.json, Self.nasty, [Self.nasty: .string(Self.nasty)])
        #expect(text.utf8.count { $0 < 0x20 } == 1, "no control character but the line feed at the end")
        let expected =
            #"'q" b\\ n\n r\r t\t nul\x00 esc\x1b[31m del\x7f c1\x9b ls\u2028 ps\u2029 \xe9 \u6f22 \U0001f6aa'"#
        #expect(
            try Tool.fieldsOfJSONLines(Array(text.utf8)) == [
                "'time'='2026-11-23T04:05:00.123456Z'|'level'='warning'|'message'=\(expected)|\(expected)=\(expected)"
            ])
    }

    @Test
    func noFieldHidesTheLinesOwn() throws {
        let names = ["time", "level", "logger", "message", "metadata.time", "metadata.metadata.time"]
        let text = line(.json, "m", label: "l", Logger.Metadata(uniqueKeysWithValues: names.map { ($0, "f:\($0)") }))
        let read = try Tool.fieldsOfJSONLines(Array(text.utf8))
        #expect(read.count == 1)
        for name in names { #expect(read[0].contains("'metadata.\(name)'='f:\(name)'")) }
        #expect(read[0].contains("|'message'='m'|"))
    }

    @Test
    func textIsForPeople() {
        #expect(
            line(.text, "listening", label: "gateway", ["port": .stringConvertible(8_080), "host": "::1"])
                == "2026-11-23T04:05:00.123456Z warning gateway: listening host=::1 port=8080\n")
        #expect(line(.text, "no label") == "2026-11-23T04:05:00.123456Z warning no label\n")
    }

    @Test
    func textQuotesWhatCouldBeTakenForSomethingElse() {
        let fields: Logger.Metadata = ["a": "", "b": "x y", "c": "x=y", "d": "say \"hi\"", "e": "x\\y", "f": "x"]
        #expect(
            line(.text, "m", fields)
                == #"2026-11-23T04:05:00.123456Z warning m a="" b="x y" c="x=y" d="say \"hi\"" e="x\\y" f=x"# + "\n")
    }

    @Test
    func textCannotBeginALineOfItsOwnNorSteerTheTerminal() {
        let text = line(.text, Self.nasty, label: Self.nasty, [Self.nasty: .string(Self.nasty)])
        let bad = text.unicodeScalars.dropLast().filter {
            $0.value < 0x20 || (0x7F...0x9F).contains($0.value) || $0.value == 0x2028 || $0.value == 0x2029
        }
        #expect(bad.isEmpty)
        #expect(text.contains(#"n\n r\r t\t nul\u0000 esc\u001b[31m del\u007f c1\u009b ls\u2028 ps\u2029 é 漢 🚪"#))
    }

    @Test
    func longStringsEndInDots() throws {
        let long = String(repeating: "\n漢", count: LogLine.maximumStringBytes)
        let text = line(.json, long, ["long": .string(long), "next": "whole"])
        #expect(text.utf8.count < 2 * LogLine.maximumStringBytes + 200)
        let read = try Tool.fieldsOfJSONLines(Array(text.utf8))
        #expect(read[0].contains(#"\u6f22\u2026'"#) || read[0].contains(#"\n\u2026'"#))
        #expect(read[0].hasSuffix("'next'='whole'"))
    }

    @Test
    func automaticMeansTextOnATerminalOnly() {
        let pipe = DescriptorPair.pipe()
        #expect(LogLine.Form(.automatic, descriptor: pipe.writing) == .json)
        #expect(LogLine.Form(.text, descriptor: pipe.writing) == .text)
        let terminal = DescriptorPair.terminal()
        #expect(LogLine.Form(.automatic, descriptor: terminal.writing) == .text)
        #expect(LogLine.Form(.json, descriptor: terminal.writing) == .json)
    }
}
