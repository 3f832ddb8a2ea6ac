import Synchronization

/// One version of what the gateway goes by. An operator may have another one follow it while requests are served; each
/// loop goes over to it between two turns.
final class LiveConfiguration: Sendable {
    let generation: UInt64
    let configuration: GatewayConfiguration
    let limits: ClientLimits

    init(_ configuration: GatewayConfiguration, after before: LiveConfiguration? = nil) {
        generation = (before?.generation ?? 0) + 1
        self.configuration = configuration
        limits = ClientLimits(configuration, before: before?.limits)
    }
}

/// The version that holds. Any thread.
final class LiveConfigurations: Sendable {
    private let newest: Mutex<LiveConfiguration>
    private let newestGeneration: Atomic<UInt64>

    init(_ configuration: GatewayConfiguration) {
        let first = LiveConfiguration(configuration)
        newest = Mutex(first)
        newestGeneration = Atomic(first.generation)
    }

    var current: LiveConfiguration { newest.withLock { $0 } }

    /// That of `current`, to be compared without a lock.
    var generation: UInt64 { newestGeneration.load(ordering: .acquiring) }

    func replace(_ configuration: GatewayConfiguration) {
        newest.withLock { newest in
            newest = LiveConfiguration(configuration, after: newest)
            newestGeneration.store(newest.generation, ordering: .releasing)
        }
    }
}
