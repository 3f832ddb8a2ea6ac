import ArgumentParser
import Configuration
import Glibc
import PosternClient

/// Which server a client command talks to, and what it shows there.
struct ServerOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The server: http://HOST:PORT or https://HOST. (default: POSTERN_URL, or http://127.0.0.1:8080)",
            valueName: "url"))
    var server: String?

    @Option(
        help: ArgumentHelp(
            "The token to show. Others on this machine see what stands on a command line. (default: POSTERN_TOKEN)",
            valueName: "token"))
    var token: String?

    @Option(
        help: ArgumentHelp(
            "A file whose first line is the token. (default: POSTERN_TOKEN_FILE)", valueName: "file"),
        completion: .file())
    var tokenFile: String?

    @Option(
        help: ArgumentHelp(
            "Authorities to trust in place of the system's: a PEM file. (default: POSTERN_CACERT)", valueName: "file"),
        completion: .file())
    var cacert: String?

    @Option(help: ArgumentHelp("The certificate to show: a PEM file.", valueName: "file"), completion: .file())
    var clientCert: String?

    @Option(help: ArgumentHelp("Its private key: a PEM file.", valueName: "file"), completion: .file())
    var clientKey: String?

    @Option(
        help: ArgumentHelp("How long a reply may take: 1ms to 1h. (default: 30s)", valueName: "time"),
        transform: OptionValue.time(1...3_600_000))
    var timeout: Int?

    /// - Throws: a usage error where they make no sense.
    func address(fallback: String = "http://127.0.0.1:8080") throws -> ServerAddress {
        let environment = Environment.all()
        let text = server ?? environment["POSTERN_URL"] ?? fallback
        guard var address = ServerAddress(text) else {
            throw ValidationError("'\(text)' is no server: http://HOST:PORT or https://HOST is wanted")
        }
        if let file = tokenFile ?? (token == nil ? environment["POSTERN_TOKEN_FILE"] : nil) {
            address.token = try Self.token(inFile: file)
        } else {
            address.token = token ?? environment["POSTERN_TOKEN"].flatMap { $0.isEmpty ? nil : $0 }
        }
        if let token = address.token, !token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) {
            throw ValidationError("a token has no spaces and no line ends")
        }
        address.authoritiesPath = cacert ?? environment["POSTERN_CACERT"]
        address.directHosts = environment["no_proxy"] ?? environment["NO_PROXY"] ?? ""
        address.certificatePath = clientCert
        address.keyPath = clientKey
        if let timeout {
            address.timeoutMilliseconds = timeout
            address.connectMilliseconds = min(address.connectMilliseconds, timeout)
        }
        return address
    }

    private static func token(inFile path: String) throws(ClientFailure) -> String {
        let bytes = try InputFile.contents(path, maximumBytes: 64 << 10)
        let text = String(decoding: bytes, as: UTF8.self)
        return text.split(separator: "\n").first.map(String.init) ?? ""
    }
}

/// Reads arguments as settings of a server are read.
enum OptionValue {
    /// Milliseconds.
    static func time(_ range: ClosedRange<Int>) -> @Sendable (String) throws -> Int { reader(.time(range)) }
    static func integer(_ range: ClosedRange<Int>) -> @Sendable (String) throws -> Int { reader(.integer(range)) }
    /// Bytes.
    static func size(_ range: ClosedRange<Int>) -> @Sendable (String) throws -> Int { reader(.size(range)) }

    private static func reader(_ form: SettingForm<Int>) -> @Sendable (String) throws -> Int {
        { text in
            do throws(SettingRefusal) { return try form.read(text) } catch { throw ValidationError(error.message) }
        }
    }
}
