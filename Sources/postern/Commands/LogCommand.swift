import ArgumentParser
import Glibc
import PubSub
import SegmentLog

/// `postern log`: a log on disk that no server has open.
struct LogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log", abstract: "Look at a log on disk, mend it, show it. No server may have it open.",
        subcommands: [Verify.self, Repair.self, Dump.self])

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read every record and tell what is damaged. Exit status 1 where something is.")

        @Argument(help: "The directory that --data-dir named.")
        var directory: String

        func run() throws {
            var bad = 0
            var messages = 0
            try LogCommand.inspect(directory) { inspection throws(OpenError) in
                try inspection.verify { report in
                    StandardStream.output(LogCommand.line(report) + "\n")
                    messages += report.messages
                    if !report.isGood { bad += 1 }
                }
            }
            StandardStream.output(
                bad == 0 ? "good: \(messages) messages\n" : "\(bad) segments are damaged (see: postern log repair)\n")
            if bad > 0 { throw ExitCode(1) }
        }
    }

    struct Repair: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Make indexes anew where they are missing or wrong. What is damaged stays lost, and is said to be.")

        @Argument(help: "The directory that --data-dir named.")
        var directory: String

        func run() throws {
            var count = 0
            try LogCommand.inspect(directory) { inspection throws(OpenError) in
                try inspection.repair { report in
                    count += 1
                    StandardStream.output("mended: " + LogCommand.line(report) + "\n")
                }
            }
            StandardStream.output(count == 0 ? "nothing to mend\n" : "\(count) segments were mended\n")
        }
    }

    struct Dump: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write all messages to standard output, one JSON object a line, oldest first.")

        @Argument(help: "The directory that --data-dir named.")
        var directory: String

        @Option(help: ArgumentHelp("Only topics that match.", valueName: "pattern"))
        var topic: String?

        func validate() throws {
            guard let topic else { return }
            do throws(TopicError) { _ = try TopicPattern.validate(Array(topic.utf8).span) } catch {
                throw ValidationError("--topic: \(error.explanation)")
            }
        }

        func run() throws {
            let pattern = topic.map { Array($0.utf8) }
            var damaged = 0
            var lines = StandardStream.Lines()
            try LogCommand.inspect(directory) { inspection throws(OpenError) in
                damaged = try inspection.dump { topic, message in
                    if let pattern, !TopicPattern.matches(pattern.span, topic: topic) { return }
                    lines.append(message)
                }
            }
            lines.flush()
            guard damaged > 0 else { return }
            StandardStream.error("postern: \(damaged) damaged ranges were left out\n")
            throw ExitCode(1)
        }
    }

    private static func inspect(
        _ directory: String, _ body: (LogInspection) throws(OpenError) -> Void
    ) throws {
        do throws(OpenError) { try body(LogInspection(directory: directory)) } catch {
            StandardStream.error("postern: \(error)\n")
            throw ExitCode(EX_CONFIG)
        }
    }

    private static func line(_ report: LogInspection.SegmentReport) -> String {
        var text = "\(report.name): \(report.messages) messages, \(report.bytes) bytes"
        if let first = report.firstSequence, let last = report.lastSequence { text += ", \(first) to \(last)" }
        if !report.hasIndex { text += ", no index yet" }
        if report.tornBytes > 0 { text += ", \(report.tornBytes) bytes at the end that were never acknowledged" }
        if !report.isGood, report.damagedBytes > 0 { text += ", DAMAGED: \(report.damagedBytes) bytes" }
        if report.lostMessages > 0 { text += ", \(report.lostMessages) messages lost (readers are told)" }
        if report.indexIsWrong { text += ", its index is WRONG" }
        return text
    }
}
