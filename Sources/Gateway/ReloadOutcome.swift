import Synchronization
import Telemetry

/// How the last reload of the configuration went, for telemetry. Any thread.
final class ReloadOutcome: Sendable {
    private let wasSuccessful = Atomic<Bool>(true)
    private let successSeconds: Atomic<Int64>

    init() { successSeconds = Atomic(Self.nowSeconds) }

    /// Whether the last one was taken up in full; so is the start.
    var isSuccessful: Bool { wasSuccessful.load(ordering: .relaxed) }

    /// When one last was, in seconds since 1970.
    var lastSuccessSeconds: Int64 { successSeconds.load(ordering: .relaxed) }

    func note(successfully: Bool) {
        wasSuccessful.store(successfully, ordering: .relaxed)
        if successfully { successSeconds.store(Self.nowSeconds, ordering: .relaxed) }
    }

    private static var nowSeconds: Int64 { RFC3339Timestamp.now().unixMicroseconds / 1_000_000 }
}
