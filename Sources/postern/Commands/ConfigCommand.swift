import Access
import ArgumentParser
import Configuration
import Glibc
import TLS

/// `postern config`: the settings of a server, before it is started.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Look at a server's settings.",
        subcommands: [Check.self, Show.self, Default.self, Reference.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Tell all that is wrong with a file of settings, and with the files it names.",
            discussion: "Exit status 78 where anything is. Nothing is started, and nothing is written.")

        @Argument(help: "The file, in TOML.", completion: .file())
        var file: String

        func run() throws {
            let server = try Serve.checked(SettingSources(path: file))
            var problems = Exposure(server).refusals
            if let configuration = server.tls {
                do throws(TLSError) { _ = try TLSCredentials(configuration) } catch { problems.append("\(error)") }
            }
            if let configuration = server.access {
                do throws(AccessError) { _ = try Authenticator(configuration) } catch { problems += error.problems }
            }
            for problem in problems { StandardStream.complain(problem) }
            guard problems.isEmpty else { throw ExitCode(EX_CONFIG) }
            StandardStream.output("\(file): good\n")
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what a server would go by, and where each setting comes from.",
            discussion: """
                Takes what `postern serve` takes, and prints a file that says the same. Settings name files of secrets; \
                what stands in those is not shown.
                """)

        @OptionGroup var flags: ServerFlags

        func run() throws {
            let server = try Serve.checked(SettingSources(flags))
            StandardStream.output(SettingsText.effective(server.values))
        }
    }

    struct Default: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print a file of settings that sets nothing and explains everything.",
            discussion: """
                  postern config default > postern.toml
                  postern serve --config postern.toml
                """)

        func run() { StandardStream.output(SettingsText.commented()) }
    }

    /// For the documentation, which a test holds against it.
    struct Reference: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the table of all settings in Markdown.", shouldDisplay: false)

        func run() { StandardStream.output(SettingsText.reference()) }
    }
}
