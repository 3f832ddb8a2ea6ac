import ArgumentParser
import PosternClient

struct Subscribe: ClientCommand {
    static let configuration = CommandConfiguration(
        abstract: "Read messages; with --follow, wait for those that come.",
        discussion: """
              postern subscribe greetings
              postern subscribe 'room.**' --follow --since latest
              postern subscribe orders.eu --follow --state ~/orders.cursor --exec 'jq . >> orders.log'

            With --follow it goes on by itself where it was cut off, behind the last message it printed: nothing is lost \
            and nothing comes twice. --state remembers that place for the next time. SIGINT and SIGTERM end it with 0.

            --exec runs a command of the shell for each message, with the data on its standard input and POSTERN_TOPIC, \
            POSTERN_CURSOR, POSTERN_ID, POSTERN_TIME, POSTERN_KEY, POSTERN_CONTENT_TYPE and POSTERN_ATTR_NAME in its \
            environment. Where it fails, the subscription ends with 4, and the message comes again the next time.
            """)

    @Argument(help: "Topics: a name, a pattern such as 'room.*' or 'orders.**', several joined by commas.")
    var pattern: String

    @Option(
        help: ArgumentHelp(
            "Where to begin: earliest, latest, so long ago (10m), or a time. (default: earliest)", valueName: "time"))
    var since: String?

    @Option(help: ArgumentHelp("Begin behind the message of this cursor.", valueName: "cursor"))
    var after: String?

    @Option(
        help: ArgumentHelp("End after so many messages: 1 to 1000000000.", valueName: "n"),
        transform: OptionValue.integer(1...1_000_000_000))
    var limit: Int?

    @Flag(name: .shortAndLong, help: "Wait for messages that come.")
    var follow = false

    @Option(
        name: .customLong("filter"),
        help: ArgumentHelp(
            "Only messages with an attribute: region:eu, region:e*, region!eu, region. May be given several times.",
            valueName: "filter"))
    var filters: [String] = []

    @Option(
        help: ArgumentHelp(
            "text, the data and a line's end; json, the message a line; raw, the data alone. (default: text)",
            valueName: "form"))
    var format: Format = .text

    @Option(help: ArgumentHelp("Run this for each message in place of printing it.", valueName: "command"))
    var exec: String?

    @Option(
        help: ArgumentHelp(
            "Begin where this file says, and remember there what was read. It beats --since.", valueName: "file"),
        completion: .file())
    var state: String?

    @Flag(help: "End with 3 where messages were lost to retention; else that is told, and reading goes on.")
    var failOnGap = false

    @Option(
        help: ArgumentHelp(
            """
            How long to try again where the server is away: 0s to 365d. (default: without end once it was reached, and \
            not at all before)
            """, valueName: "time"),
        transform: OptionValue.time(0...365 * 86_400_000))
    var retry: Int?

    @Flag(name: .shortAndLong, help: "Tell nothing of connections that are lost.")
    var quiet = false

    @OptionGroup(title: "Server") var server: ServerOptions

    enum Format: String, ExpressibleByArgument, CaseIterable { case text, json, raw }

    func validate() throws {
        if after != nil, since != nil { throw ValidationError("--after and --since say both where to begin") }
        if after != nil, state != nil { throw ValidationError("--after and --state say both where to begin") }
    }

    func perform() throws {
        let file = state.map { StateFile(path: $0) }
        var options = Subscription.Options(pattern: pattern)
        options.after = try file?.read() ?? after
        options.since = since
        options.filters = filters
        options.limit = limit
        options.follows = follow
        options.failsOnGap = failOnGap
        options.retryMilliseconds = retry
        let command = exec.map { ShellCommand($0) }
        let subscription = try Subscription(options, of: try server.address())
        var remembered = options.after
        var failure: ClientFailure?
        // Where the last message that was dealt with stands: to be remembered, whatever comes.
        var done = options.after
        do throws(ClientFailure) {
            try subscription.run(
                take: { message throws(ClientFailure) in
                    if let command {
                        try command.run(input: message.data, variables: message.environment)
                        // A command may not be one to be run twice.
                        try file?.write(message.cursor)
                        remembered = message.cursor
                    } else {
                        try Output.write(text(of: message))
                    }
                    done = message.cursor
                },
                reach: { cursor throws(ClientFailure) in
                    done = cursor
                    if cursor != remembered { try file?.write(cursor) }
                    remembered = cursor
                },
                notice: tell)
        } catch {
            failure = error
        }
        if let done, done != remembered { try file?.write(done) }
        if let failure { throw failure }
    }

    private func text(of message: ReceivedMessage) -> [UInt8] {
        switch format {
        case .text: message.data + [UInt8(ascii: "\n")]
        case .json: Array((message.json.text + "\n").utf8)
        case .raw: message.data
        }
    }

    private func tell(_ notice: Subscription.Notice) {
        switch notice {
        case .gap(let after, let earliest):
            StandardStream.complain("messages behind \(after) are lost to retention; reading goes on at \(earliest)")
        case .disconnected(let failure, let milliseconds):
            if !quiet { StandardStream.complain("\(failure); trying again in \(milliseconds) ms") }
        case .connected:
            if !quiet { StandardStream.complain("connected again") }
        }
    }
}
