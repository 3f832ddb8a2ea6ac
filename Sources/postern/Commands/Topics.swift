import ArgumentParser
import Configuration
import PosternClient

struct Topics: ClientCommand {
    static let configuration = CommandConfiguration(abstract: "List topics, in the order of their names.")

    @Argument(help: "Only topics whose name begins with this.")
    var prefix: String?

    @Option(help: ArgumentHelp("text, a table; json, a topic a line. (default: text)", valueName: "form"))
    var format: Format = .text

    @OptionGroup(title: "Server") var server: ServerOptions

    enum Format: String, ExpressibleByArgument, CaseIterable { case text, json }

    func perform() throws {
        let session = try Session(try server.address())
        var page: String?
        var head = format == .text ? Self.row("TOPIC", "MESSAGES", "BYTES", "CREATED") : ""
        repeat {
            let query = ServerAddress.query([("prefix", prefix), ("limit", "1000"), ("page", page)])
            let reply = try session.request("/v1/topics" + query).json()
            guard case .array(let topics)? = reply["topics"] else {
                throw ClientFailure(.notUnderstood, "the server's answer is no list of topics")
            }
            try Output.write(head + topics.map(line).joined())
            head = ""
            page = reply["next_page"]?.string
        } while page != nil && !Interrupt.isPending
    }

    private func line(_ topic: JSONValue) -> String {
        guard format == .text else { return topic.text + "\n" }
        return Self.row(
            topic["topic"]?.string ?? "", topic["messages"]?.text ?? "", topic["bytes"]?.text ?? "",
            topic["created"]?.string ?? "")
    }

    private static func row(_ name: String, _ messages: String, _ bytes: String, _ created: String) -> String {
        Table.left(name, 40) + " " + Table.right(messages, 12) + " " + Table.right(bytes, 14) + "  " + created + "\n"
    }
}

/// Columns of text.
enum Table {
    static func left(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
