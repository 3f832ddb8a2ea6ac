import Glibc
import Logging
import Testing

@testable import Telemetry

@Suite
struct JournalTests {
    private func line(_ message: String, label: String = "postern", _ fields: Logger.Metadata = [:]) -> LogLine {
        LogLine(
            time: RFC3339Timestamp(unixMicroseconds: 0), level: .warning, label: label, message: message, fields: fields
        )
    }

    private func text(_ line: LogLine) -> String {
        String(decoding: line.journalEntry(identifier: "postern"), as: UTF8.self)
    }

    @Test
    func eachFieldStandsOnALineOfItsOwn() {
        #expect(
            text(line("serving", ["open_files": .stringConvertible(12), "address": "127.0.0.1:8080"]))
                == """
                MESSAGE=serving address=127.0.0.1:8080 open_files=12
                PRIORITY=4
                SYSLOG_IDENTIFIER=postern
                POSTERN_LOGGER=postern
                POSTERN_ADDRESS=127.0.0.1:8080
                POSTERN_OPEN_FILES=12

                """)
    }

    /// A line feed would begin another field, such as a PRIORITY of the stranger's own.
    @Test
    func whatAStrangerSentBeginsNoField() {
        let entry = text(line("a\nPRIORITY=0", label: "", ["to\np=ic-é": "b\nPRIORITY=0"]))
        #expect(
            entry == """
                MESSAGE=a\\nPRIORITY=0 "to\\np=ic-é"="b\\nPRIORITY=0"
                PRIORITY=4
                SYSLOG_IDENTIFIER=postern
                POSTERN_TO_P_IC___=b\\nPRIORITY=0

                """)
    }

    @Test
    func namesAreNoLongerThanTheJournalTakes() {
        let lines = text(line("m", [String(repeating: "n", count: 100): "v"])).split(separator: "\n")
        let name = "POSTERN_" + String(repeating: "N", count: 56)
        #expect(name.utf8.count == 64)
        #expect(lines.last.map(String.init) == name + "=v")
    }

    @Test(arguments: [
        (Logger.Level.trace, "7"), (.debug, "7"), (.info, "6"), (.notice, "5"), (.warning, "4"), (.error, "3"),
        (.critical, "2"),
    ])
    func levelsAreThoseOfSyslog(level: Logger.Level, priority: String) {
        var line = line("m", label: "")
        line.level = level
        #expect(text(line).contains("\nPRIORITY=\(priority)\n"))
        #expect(String(decoding: line.bytes(.prefixed), as: UTF8.self) == "<\(priority)>m\n")
    }

    @Test
    func nobodyAtTheOtherEndIsNoticed() {
        #expect(JournalSocket(path: "/run/nobody/is/here") == nil)
    }

    @Test
    func aPipeIsNoJournal() {
        let pair = DescriptorPair.pipe()
        #expect(!JournalSocket.isBehind(pair.writing))
    }
}
