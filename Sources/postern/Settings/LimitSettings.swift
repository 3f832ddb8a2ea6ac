import Clients
import Configuration

/// How much each client may do.
extension Settings {
    static let limitAddress = Setting(
        "limit-address", .limits, defaultText: "no limit", live: true,
        """
        What each address may do (IPv6: each /64), joined by commas: requests=100/s:200, bytes=10MiB/s, messages=, \
        topics= (created), connections=, polls=, streams= (at a time). Behind the colon: how much at once.
        """)
    static let limitToken = Setting(
        "limit-token", .limits, defaultText: "no limit", live: true,
        "What each token's owner may do, in the same form.")
    static let limitedClients = Setting(
        "limited-clients", .integer(256...16_777_216), default: RateTable.defaultCapacity,
        "Addresses, and owners of tokens, that are told apart, \(RateTable.bytesPerKey) bytes each")
    static let trustedProxies = Setting(
        "trusted-proxies", .addresses, defaultText: "none", live: true,
        """
        Proxies that are believed in whom they speak for (X-Forwarded-For): addresses and ranges such as 10.0.0.0/8, \
        joined by commas.
        """)
    static let proxyProtocol = Setting(
        "proxy-protocol", .toggle, default: false,
        """
        Connections begin with a header of the PROXY protocol, version 2; those of others than trusted proxies are \
        closed: on or off.
        """)

    static let limits = SettingGroup(
        "Limits of each client", [limitAddress, limitToken, limitedClients, trustedProxies, proxyProtocol])
}

extension SettingForm where Value == AddressList {
    fileprivate static var addresses: Self {
        var form = Self(
            valueName: "ranges",
            read: { written throws(SettingRefusal) in
                do throws(AddressError) { return try AddressList(parsing: Array(written.utf8).span) } catch {
                    throw SettingRefusal("\(error)")
                }
            }, text: { _ in "" })
        form.layout = .list
        return form
    }
}

extension SettingForm where Value == RateLimits {
    fileprivate static var limits: Self {
        var form = Self(
            valueName: "limits",
            read: { written throws(SettingRefusal) in try limits(written) }, text: { _ in "" })
        form.layout = .pairs
        return form
    }

    private static func limits(_ text: String) throws(SettingRefusal) -> RateLimits {
        var limits = RateLimits()
        for part in try SettingForm<[String]>.list("").read(text) {
            guard let equals = part.firstIndex(of: "=") else {
                throw SettingRefusal("'\(part)': a limit and its value, such as requests=100/s, are wanted")
            }
            let value = String(part[part.index(after: equals)...])
            switch part[..<equals] {
            case "requests": limits.requests = try rate(part, value)
            case "bytes": limits.bytes = try rate(part, value, inBytes: true)
            case "messages": limits.messages = try rate(part, value)
            case "topics": limits.topics = try rate(part, value)
            case "connections": limits.connections = try count(part, value)
            case "polls": limits.polls = try count(part, value)
            case "streams": limits.streams = try count(part, value)
            default:
                throw SettingRefusal(
                    "'\(part)': requests, bytes, messages, topics, connections, polls or streams is wanted")
            }
        }
        return limits
    }

    private static func rate(
        _ part: String, _ value: String, inBytes: Bool = false
    ) throws(SettingRefusal) -> RateLimit {
        do throws(RateLimitError) { return try RateLimit(parsing: Array(value.utf8).span, inBytes: inBytes) } catch {
            throw SettingRefusal("'\(part)': \(error)")
        }
    }

    private static func count(_ part: String, _ value: String) throws(SettingRefusal) -> UInt32 {
        guard let count = UInt32(value), count > 0 else {
            throw SettingRefusal("'\(part)': a whole number above 0 is wanted")
        }
        return count
    }
}
