import ArgumentParser

/// The command line.
struct Postern: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "postern",
        abstract: "A small gate for messages: publish/subscribe over plain HTTP and JSON.",
        discussion: """
            Publish with a POST, subscribe by long poll, watch /metrics:

              postern serve
              curl -d hello localhost:8080/v1/topics/greetings/messages
              curl 'localhost:8080/v1/topics/greetings/messages?wait=30s'
            """,
        version: "postern \(Version.text)",
        subcommands: [Serve.self, LogCommand.self, TokenCommand.self])
}

@main
enum Main {
    static func main() {
        var arguments = Array(CommandLine.arguments.dropFirst())
        // Options from the environment are parsed as if they stood on the command line, so that they are checked alike.
        if arguments.first == "serve" {
            arguments = Environment.applied(to: arguments, options: Serve.optionNames)
        }
        Postern.main(arguments)
    }
}
