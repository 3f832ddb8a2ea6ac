import Gateway

/// A real gateway on a free loopback port of this process, for tests of an application that embeds one or talks to one.
public final class TestGateway: Sendable {
    /// The gateway itself: its port, `drain()`, `join()`.
    public let gateway: Gateway

    /// Starts a gateway.
    /// - Parameter change: what differs from the defaults; host and port are set already.
    public init(_ change: (inout GatewayConfiguration) -> Void = { _ in }) throws {
        var configuration = GatewayConfiguration()
        configuration.port = 0
        configuration.drainTimeoutMilliseconds = 2000
        change(&configuration)
        gateway = try Gateway(configuration: configuration, version: "test")
        gateway.start()
    }

    /// Ends the gateway at once and waits until it has ended. To be called before the gateway is let go; again does
    /// nothing.
    public func stop() {
        gateway.stop()
        gateway.join()
    }

    /// A new connection to the gateway.
    public func connect() throws -> TestClient { try TestClient(port: gateway.boundPort) }

    /// One metric's value, summed over its labels; nil where it is not shown.
    public func metric(_ name: String) throws -> Double? {
        let text = try connect().request("GET", "/metrics").body
        let values = text.split(separator: "\n").filter { $0.hasPrefix(name + " ") || $0.hasPrefix(name + "{") }
            .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }
        return values.isEmpty ? nil : values.reduce(0, +)
    }
}
