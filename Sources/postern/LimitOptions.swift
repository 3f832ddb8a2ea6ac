import ArgumentParser
import Clients

/// How much each client may do.
struct LimitOptions: ParsableArguments {
    static let names = [
        "--limit-address", "--limit-token", "--limited-clients", "--trusted-proxies", "--proxy-protocol",
    ]

    @Option(
        help: ArgumentHelp(
            """
            What each address may do (IPv6: each /64), joined by commas: requests=100/s:200, bytes=10MiB/s, messages=, \
            topics= (created), connections=, polls=, streams= (at a time). Behind the colon: how much at once. \
            (default: no limit)
            """, valueName: "limits"),
        transform: LimitOptions.limits)
    var limitAddress: RateLimits?

    @Option(
        help: ArgumentHelp(
            "What each token's owner may do, in the same form. (default: no limit)", valueName: "limits"),
        transform: LimitOptions.limits)
    var limitToken: RateLimits?

    @Option(
        help: ArgumentHelp(
            "Addresses, and owners of tokens, that are told apart: 256 to 16777216, 96 bytes each. (default: 65536)",
            valueName: "n"),
        transform: OptionValues.integer(256...16_777_216))
    var limitedClients: Int?

    @Option(
        help: ArgumentHelp(
            """
            Proxies that are believed in whom they speak for (X-Forwarded-For): addresses and ranges such as \
            10.0.0.0/8, joined by commas. (default: none)
            """, valueName: "ranges"),
        transform: LimitOptions.addresses)
    var trustedProxies: AddressList?

    @Option(
        help: ArgumentHelp(
            """
            Connections begin with a header of the PROXY protocol, version 2; those of others than --trusted-proxies are \
            closed: on or off. (default: off)
            """, valueName: "on|off"),
        transform: OptionValues.toggle)
    var proxyProtocol: Bool?

    func validate() throws {
        if proxyProtocol == true, trustedProxies == nil {
            throw ValidationError("--proxy-protocol wants --trusted-proxies")
        }
    }

    @Sendable private static func addresses(_ text: String) throws -> AddressList {
        do throws(AddressError) { return try AddressList(parsing: Array(text.utf8).span) } catch {
            throw ValidationError("\(error)")
        }
    }

    @Sendable static func limits(_ text: String) throws -> RateLimits {
        var limits = RateLimits()
        for part in try OptionValues.list(text) {
            guard let equals = part.firstIndex(of: "=") else {
                throw ValidationError("'\(part)': a limit and its value, such as requests=100/s, are wanted")
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
                throw ValidationError(
                    "'\(part)': requests, bytes, messages, topics, connections, polls or streams is wanted")
            }
        }
        return limits
    }

    private static func rate(_ part: String, _ value: String, inBytes: Bool = false) throws -> RateLimit {
        do throws(RateLimitError) { return try RateLimit(parsing: Array(value.utf8).span, inBytes: inBytes) } catch {
            throw ValidationError("'\(part)': \(error)")
        }
    }

    private static func count(_ part: String, _ value: String) throws -> UInt32 {
        guard let count = UInt32(value), count > 0 else {
            throw ValidationError("'\(part)': a whole number above 0 is wanted")
        }
        return count
    }
}
