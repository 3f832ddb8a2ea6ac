import ArgumentParser
import Gateway
import PosternClient

struct Health: ClientCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask a server whether it is well: for a container's probe.",
        discussion: """
            Without --server and POSTERN_URL it asks the server that POSTERN_ADMIN_LISTEN or POSTERN_LISTEN configure, on \
            this machine. Ends with 0 where it is well, with 1 where it says that it is not, and otherwise as all client \
            commands do.
            """)

    @Flag(help: "Ask whether it wants requests (/readyz), which it does not while it ends.")
    var ready = false

    @Flag(
        help: """
            Do not check its certificate: a probe of this machine asks by an address that no certificate names. A token \
            is not shown then.
            """)
    var insecure = false

    @OptionGroup(title: "Server") var server: ServerOptions

    /// A probe that takes longer has failed.
    private static let timeoutMilliseconds = 3000

    func perform() throws {
        var address = try server.address(fallback: Self.ownAddress(Environment.all()))
        if server.timeout == nil { address.timeoutMilliseconds = Self.timeoutMilliseconds }
        address.connectMilliseconds = address.timeoutMilliseconds
        address.trustsAnybody = insecure
        // It is about this server, not about the way to it.
        address.directHosts = "*"
        if insecure { address.token = nil }
        let session = try Session(address)
        let reply = try session.anyReply(ready ? "/readyz" : "/livez")
        // Where TLS is spoken, plain HTTP is refused in words that only a server that works has.
        let isTLSWanted = JSONValue(parsing: reply.body.span)?["code"]?.string == "tls_wanted"
        guard reply.status == 200 || isTLSWanted && !ready else {
            throw ClientFailure(.unhealthy, "\(address.url) answers \(reply.status)")
        }
        try Output.write("well\n")
    }

    /// Where this machine's own server listens, as its environment says.
    static func ownAddress(_ environment: [String: String]) -> String {
        let text = environment["POSTERN_ADMIN_LISTEN"] ?? environment["POSTERN_LISTEN"]
        guard var address = text.flatMap({ ListenAddress($0) }) else { return "http://127.0.0.1:8080" }
        if address.host == "0.0.0.0" { address.host = "127.0.0.1" }
        if address.host == "::" { address.host = "::1" }
        return "http://" + address.text
    }
}
