import ArgumentParser
import PosternClient

/// The command line.
@main
struct Postern: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "postern",
        abstract: "A small gate for messages: publish/subscribe over plain HTTP and JSON.",
        discussion: """
            Publish with a POST, subscribe by long poll, watch /metrics:

              postern serve
              curl -d hello localhost:8080/v1/topics/greetings/messages
              curl 'localhost:8080/v1/topics/greetings/messages?wait=30s'

            Or with the commands below: postern publish greetings hello; postern subscribe greetings --follow.

            Exit statuses of client commands:
            \(exitStatuses)
            """,
        version: "postern \(Version.text)",
        subcommands: [
            Serve.self, ConfigCommand.self, Publish.self, Subscribe.self, Topics.self, StatusCommand.self,
            Bench.self, Health.self, LogCommand.self,
            TokenCommand.self,
        ])

    private static var exitStatuses: String {
        ExitStatus.allCases.map { status in
            Table.right(String(status.rawValue), 4) + "  " + status.meaning
        }.joined(separator: "\n")
    }
}
