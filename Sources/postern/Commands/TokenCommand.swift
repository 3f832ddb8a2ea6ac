import Access
import ArgumentParser
import Glibc

/// `postern token`: tokens for the file that says who may do what.
struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Make tokens for clients.", subcommands: [New.self])

    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "new", abstract: "Make a token and the line that lets the server know it.",
            discussion: """
                Prints two lines: the token, which is shown once and stored nowhere, and the line for the file of \
                tokens, which has the token's SHA-256 and not the token.

                  postern token new --name billing --subscribe 'orders.**' --expires 90d
                """)

        @Option(
            help: ArgumentHelp(
                "What logs call it: 1 to 64 letters, digits, '.', '-' and '_'. (default: token- and digits of its hash)"
            ))
        var name: String?

        @Option(
            help: ArgumentHelp("Topics that may be published to. May be given several times.", valueName: "patterns"))
        var publish: [String] = []

        @Option(help: ArgumentHelp("Topics that may be read. May be given several times.", valueName: "patterns"))
        var subscribe: [String] = []

        @Flag(help: "May configure and delete topics, and see the server's figures.")
        var admin = false

        @Option(
            help: ArgumentHelp("When it ends: 12h, 30d, or 2027-01-31T00:00:00Z. (default: never)", valueName: "time"),
            transform: TokenExpiry.init)
        var expires: TokenExpiry?

        func validate() throws {
            _ = try make()
            guard publish.isEmpty, subscribe.isEmpty, !admin else { return }
            throw ValidationError(
                "a token that allows nothing is of no use: --publish, --subscribe or --admin is wanted")
        }

        func run() throws {
            let token = try make()
            StandardStream.output(token.token + "\n" + token.line + "\n")
        }

        private func make() throws -> NewToken {
            var now = timespec()
            // unsafe: the system writes to a local for the length of the call.
            unsafe clock_gettime(CLOCK_REALTIME, &now)
            let grants = Grants(
                publish: try Self.patterns(publish, "--publish"),
                subscribe: try Self.patterns(subscribe, "--subscribe"),
                isAdmin: admin)
            do throws(NewToken.Failure) {
                return try NewToken(
                    name: name, grants: grants, expirySeconds: expires?.seconds(now: Int64(now.tv_sec)),
                    random: NewToken.randomBits())
            } catch {
                switch error {
                case .name: throw ValidationError("--name: 1 to 64 letters, digits, '.', '-' and '_' are wanted")
                case .expiry: throw ValidationError("--expires: a time from 1970 to 9999 is wanted")
                }
            }
        }

        private static func patterns(_ texts: [String], _ option: String) throws -> PatternList {
            guard !texts.isEmpty else { return PatternList() }
            do throws(PatternListError) {
                return try PatternList(parsing: Array(texts.joined(separator: ",").utf8).span)
            } catch {
                throw ValidationError("\(option): \(error.explanation)")
            }
        }
    }
}
