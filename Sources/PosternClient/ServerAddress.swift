/// Where a server is reached, what it is shown, and how long it may take.
public struct ServerAddress: Sendable {
    /// Without a slash at its end: `https://postern.example`.
    public let url: String
    public var token: String?
    /// PEM files: authorities to trust instead of the system's, and what to show of our own.
    public var authoritiesPath: String?
    public var certificatePath: String?
    public var keyPath: String?
    /// For probes of a server by its own machine.
    public var trustsAnybody = false
    /// Hosts that are asked without a proxy, as the environment's `no_proxy` has them; this machine always is.
    public var directHosts = ""
    public var connectMilliseconds = 5000
    /// For a whole request and its reply; streams and waits have more.
    public var timeoutMilliseconds = 30_000

    /// - Parameter text: `http://HOST:PORT`, `https://…`, or `HOST:PORT` for plain HTTP.
    /// - Returns: nil where it is none.
    public init?(_ text: String) {
        let isURL = text.hasPrefix("http://") || text.hasPrefix("https://")
        guard isURL || !text.contains("://") else { return nil }
        var url = isURL ? text : "http://" + text
        let host = url.drop { $0 != "/" }.dropFirst(2)
        guard let first = host.first, first != "/", first != ":" else { return nil }
        while url.hasSuffix("/") { url.removeLast() }
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        self.url = url
    }

    /// The path of a topic's or pattern's messages.
    public static func messagesPath(_ pattern: String) -> String {
        "/v1/topics/\(percentEncoded(pattern))/messages"
    }

    /// Text as part of a path or query (RFC 3986, section 2.1).
    public static func percentEncoded(_ text: String) -> String {
        let plain = Array("-._~*,".utf8)
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case 48...57, 65...90, 97...122: encoded.unicodeScalars.append(Unicode.Scalar(byte))
            case _ where plain.contains(byte): encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let hex = String(byte, radix: 16, uppercase: true)
                encoded += "%" + (hex.count < 2 ? "0" : "") + hex
            }
        }
        return encoded
    }

    /// `?a=1&b=2`, or nothing.
    public static func query(_ items: [(name: String, value: String?)]) -> String {
        let parts = items.compactMap { item in item.value.map { "\(item.name)=\(percentEncoded($0))" } }
        return parts.isEmpty ? "" : "?" + parts.joined(separator: "&")
    }
}
