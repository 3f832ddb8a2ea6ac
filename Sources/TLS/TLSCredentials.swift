import Synchronization

/// The certificates that new connections are shown, which an operator may replace while the server runs. Any thread.
public final class TLSCredentials: Sendable {
    private struct Current: Sendable {
        var configuration: TLSConfiguration
        var context: TLSContext
    }

    private let current: Mutex<Current>
    /// ThreadSanitizer does not see a contended lock change hands, since that happens inside the standard library; it
    /// sees this.
    private let handover = Atomic<Bool>(false)

    /// Reads the files.
    public init(_ configuration: TLSConfiguration) throws(TLSError) {
        current = Mutex(Current(configuration: configuration, context: try TLSContext(configuration)))
    }

    /// What a new connection begins with.
    public var context: TLSContext { exchange { $0.context } }

    /// Reads the files again. Connections that are open keep what they began with.
    /// - Parameter configuration: the files, where they are others than before.
    /// - Throws: what is wrong with them; then all stays as it was.
    public func reload(_ configuration: TLSConfiguration? = nil) throws(TLSError) {
        let configuration = configuration ?? exchange { $0.configuration }
        let read = Current(configuration: configuration, context: try TLSContext(configuration))
        exchange { $0 = read }
    }

    private func exchange<Result: Sendable>(_ body: (inout Current) -> Result) -> Result {
        current.withLock { current in
            _ = handover.load(ordering: .acquiring)
            defer { handover.store(true, ordering: .releasing) }
            return body(&current)
        }
    }
}
