import Access
import ArgumentParser
import Glibc
import PubSub

/// `postern token`: tokens for those who publish and read.
struct TokenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token", abstract: "Make tokens for those who publish and read.", subcommands: [New.self])

    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a token.",
            discussion: """
                The first line printed is the token: it is shown this once, and belongs to who uses it. The second is for \
                the file that --tokens names, and has only the token's hash:

                  postern token new --name shop --publish 'orders.**' --expires 30d
                """)

        @Option(help: "What logs call it: letters, digits, '.', '-' and '_', 64 at most.")
        var name: String

        @Option(help: ArgumentHelp("Topics it may publish to: patterns, joined by commas.", valueName: "pattern"))
        var publish: String?

        @Option(help: ArgumentHelp("Topics it may read: patterns, joined by commas.", valueName: "pattern"))
        var subscribe: String?

        @Flag(help: "It is an operator's: metrics, statistics, the console, changes of topics.")
        var admin = false

        @Option(
            help: ArgumentHelp(
                "When it ends: a time from now such as 12h or 30d, or one such as 2030-01-01T00:00:00Z. (default: never)",
                valueName: "time"))
        var expires: String?

        func validate() throws {
            _ = try grants()
            _ = try expirySeconds()
            guard publish != nil || subscribe != nil || admin else {
                throw ValidationError(
                    "a token that allows nothing is of no use: --publish, --subscribe or --admin is wanted")
            }
        }

        func run() throws {
            let (grants, expiry) = (try grants(), try expirySeconds())
            do throws(NewToken.Failure) {
                let made = try NewToken(
                    name: name, grants: grants, expirySeconds: expiry, random: NewToken.randomBits())
                StandardStream.output(made.token + "\n" + made.line + "\n")
            } catch {
                let what: String =
                    switch error {
                    case .name: "--name: 1 to 64 letters, digits, '.', '-' and '_' are wanted"
                    case .expiry: "--expires: a time before the year 10000 is wanted"
                    }
                StandardStream.error("postern: \(what)\n")
                throw ExitCode(EX_USAGE)
            }
        }

        private func grants() throws -> Grants {
            Grants(
                publish: try Self.patterns(publish, "--publish"),
                subscribe: try Self.patterns(subscribe, "--subscribe"),
                isAdmin: admin)
        }

        private static func patterns(_ text: String?, _ option: String) throws -> PatternList {
            guard let text else { return PatternList() }
            let bytes = Array(text.utf8)
            do throws(PatternListError) { return try PatternList(parsing: bytes.span) } catch {
                throw ValidationError("\(option): \(error.explanation)")
            }
        }

        private func expirySeconds() throws -> Int64? {
            guard let expires else { return nil }
            let bytes = Array(expires.utf8)
            if let time = Timestamp(parsing: bytes.span) { return time.microseconds / 1_000_000 }
            let milliseconds = try? OptionValues.milliseconds(1000...36_500 * 86_400_000)(expires)
            guard let milliseconds else {
                throw ValidationError("--expires: a time such as 12h, 30d or 2030-01-01T00:00:00Z is wanted")
            }
            return Int64(time(nil)) + Int64(milliseconds / 1000)
        }
    }
}
