import ArgumentParser
import Glibc
import PosternClient

/// `postern status`.
struct StatusCommand: ClientCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show what a server does: traffic, the log, clients, arenas.",
        discussion: """
            On a terminal it is shown anew each second, with rates, until q or an interrupt; elsewhere, or with --once, once. \
            The figures are an operator's: where tokens are asked for, it wants one with --admin.
            """)

    @Flag(help: "Show it once.")
    var once = false

    @Option(
        help: ArgumentHelp("How long between two looks: 100ms to 1h. (default: 1s)", valueName: "time"),
        transform: OptionValue.time(100...3_600_000))
    var every: Int?

    @OptionGroup(title: "Server") var server: ServerOptions

    func perform() throws {
        let session = try Session(try server.address())
        var view = StatusView(url: session.server.url, now: try look(session))
        guard !once, isatty(STDOUT_FILENO) == 1 else {
            return try Output.write(view.lines().joined(separator: "\n") + "\n")
        }
        let screen = try LiveScreen()
        while true {
            try screen.show(view.lines(atMost: screen.rows))
            guard !screen.isLeft(within: every ?? 1000), !Interrupt.isPending else { return }
            do throws(ClientFailure) {
                view.show(try look(session))
            } catch {
                if Interrupt.isPending { return }
                // Who watches a restart wants to see its end.
                guard error.isPassing else { throw error }
                view.trouble = error.description
            }
        }
    }

    private func look(_ session: Session) throws(ClientFailure) -> StatusView.Look {
        let figures = try session.request("/v1/stats").json()
        guard figures["messages"] != nil else {
            throw ClientFailure(.notUnderstood, "the server's answer has no figures as Postern has them")
        }
        return StatusView.Look(figures: figures)
    }
}
