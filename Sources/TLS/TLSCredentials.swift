import Synchronization

/// The certificates that new connections are shown, which an operator may replace while the server runs. Any thread.
public final class TLSCredentials: Sendable {
    public let configuration: TLSConfiguration
    private let current: Mutex<TLSContext>
    /// ThreadSanitizer does not see a contended lock change hands, since that happens inside the standard library; it
    /// sees this.
    private let handover = Atomic<Bool>(false)

    /// Reads the files.
    public init(_ configuration: TLSConfiguration) throws(TLSError) {
        self.configuration = configuration
        current = Mutex(try TLSContext(configuration))
    }

    /// What a new connection begins with.
    public var context: TLSContext { exchange { $0 } }

    /// Reads the files again. Connections that are open keep what they began with.
    /// - Throws: what is wrong with them; then all stays as it was.
    public func reload() throws(TLSError) {
        let context = try TLSContext(configuration)
        exchange { $0 = context }
    }

    private func exchange<Result: Sendable>(_ body: (inout TLSContext) -> Result) -> Result {
        current.withLock { context in
            _ = handover.load(ordering: .acquiring)
            defer { handover.store(true, ordering: .releasing) }
            return body(&context)
        }
    }
}
