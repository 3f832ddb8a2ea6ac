import Synchronization

/// The certificates that new connections are shown, which an operator may replace while the server runs. Any thread.
public final class TLSCredentials: Sendable {
    public let configuration: TLSConfiguration
    private let current: Mutex<TLSContext>

    /// Reads the files.
    public init(_ configuration: TLSConfiguration) throws(TLSError) {
        self.configuration = configuration
        current = Mutex(try TLSContext(configuration))
    }

    /// What a new connection begins with.
    public var context: TLSContext { current.withLock { $0 } }

    /// Reads the files again. Connections that are open keep what they began with.
    /// - Throws: what is wrong with them; then all stays as it was.
    public func reload() throws(TLSError) {
        let context = try TLSContext(configuration)
        current.withLock { $0 = context }
    }
}
