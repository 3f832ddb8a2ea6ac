import ArgumentParser
import PosternClient
import Telemetry

/// `postern bench`: load for a server, what it takes, and whether all of it arrives.
struct Bench: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Put load on a server, measure how long it takes, and check that nothing is lost.",
        discussion: """
            Each run has topics of its own, bench-… and a random number, which it deletes in the end where it may. Figures \
            of a server and a bench on one machine are of both together.
            """,
        subcommands: [PublishLoad.self, FanOut.self, PollLoad.self])

    struct PublishLoad: ClientCommand {
        static let configuration = CommandConfiguration(
            commandName: "publish", abstract: "Publish over several connections; count what the log has in the end.")
        @OptionGroup var load: LoadOptions
        @OptionGroup(title: "Server") var server: ServerOptions

        func perform() throws { try load.run(BenchRun.publish, try server.address()) }
    }

    struct FanOut: ClientCommand {
        static let configuration = CommandConfiguration(
            commandName: "fanout",
            abstract: "Publish to a topic that --readers streams read; time each message from publish to arrival.")
        @OptionGroup var load: LoadOptions
        @Option(
            help: ArgumentHelp("Streams that read: 1 to 2000. (default: 100)", valueName: "n"),
            transform: OptionValue.integer(1...2000))
        var readers: Int?
        @OptionGroup(title: "Server") var server: ServerOptions

        func perform() throws {
            try load.run({ try BenchRun.fanOut($0, readers: readers ?? 100) }, try server.address())
        }
    }

    struct PollLoad: ClientCommand {
        static let configuration = CommandConfiguration(
            commandName: "poll",
            abstract: "The same with --readers long polls, each of which asks again behind its cursor.")
        @OptionGroup var load: LoadOptions
        @Option(
            help: ArgumentHelp("Clients that poll: 1 to 2000. (default: 100)", valueName: "n"),
            transform: OptionValue.integer(1...2000))
        var readers: Int?
        @OptionGroup(title: "Server") var server: ServerOptions

        func perform() throws { try load.run({ try BenchRun.poll($0, readers: readers ?? 100) }, try server.address()) }
    }
}

/// How much load.
struct LoadOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Connections that publish: 1 to 1000. (default: publish 16, else 1)", valueName: "n"),
        transform: OptionValue.integer(1...1000))
    var connections: Int?

    @Option(
        help: ArgumentHelp("How long: 1s to 1d. (default: 5s, or as long as --messages take)", valueName: "time"),
        transform: OptionValue.time(1000...86_400_000))
    var duration: Int?

    @Option(
        help: ArgumentHelp("End after so many messages: 1 to 1000000000.", valueName: "n"),
        transform: OptionValue.integer(1...1_000_000_000))
    var messages: Int?

    @Option(
        help: ArgumentHelp("Bytes of a message: 32B to 1MiB. (default: 100)", valueName: "size"),
        transform: OptionValue.size(32...1 << 20))
    var size: Int?

    @Option(
        help: ArgumentHelp(
            "Messages a second, of all connections: 1 to 1000000. (default: publish as fast as it goes, else 100)",
            valueName: "n"),
        transform: OptionValue.integer(1...1_000_000))
    var rate: Int?

    @Option(help: ArgumentHelp("text or json. (default: text)", valueName: "form"))
    var format: Format = .text

    @Flag(name: .shortAndLong, help: "Show no progress.")
    var quiet = false

    enum Format: String, ExpressibleByArgument, CaseIterable { case text, json }

    /// Runs a load, prints what came of it.
    /// - Throws: where messages are missing, came twice or out of order.
    func run(_ body: (BenchLoad) throws -> BenchResult, _ server: ServerAddress) throws {
        let load = BenchLoad(
            server: server, connections: connections,
            durationMilliseconds: duration ?? (messages == nil ? 5000 : 86_400_000),
            messages: messages,
            bytes: size ?? 100, rate: rate, showsProgress: !quiet)
        let result = try body(load)
        // Nobody was there, or nobody was let in: that is not a loss.
        if result.published == 0, let failure = result.failures.first { throw failure }
        try Output.write(format == .json ? result.json.text + "\n" : result.text)
        if let fault = result.fault { throw ClientFailure(.lost, fault) }
    }
}
