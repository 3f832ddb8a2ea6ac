import Access
import Configuration
import Gateway
import Synchronization
import TLS
import Telemetry

/// Takes up what an operator changed while the server runs (SIGHUP): the settings that may change, and the files that
/// they name. Where anything is wrong it is told, and what holds goes on to hold; what wants a restart is named.
///
/// Any thread. Files take their time to read, so that each reload has a thread of its own; one at a time.
final class Reload: Sendable {
    private struct State: Sendable {
        /// What the server goes by.
        var running: SettingValues
        var gateway: Gateway?
    }

    private let sources: SettingSources
    private let logger: Logger
    private let state: Mutex<State>
    /// One that has not begun will see whatever is there to see.
    private let isWaiting = Atomic<Bool>(false)

    init(sources: SettingSources, running: ServerConfiguration, logger: Logger) {
        self.sources = sources
        self.logger = logger
        state = Mutex(State(running: running.values))
    }

    /// Names the server that is told. Called once, before it is started.
    func start(_ gateway: Gateway) { state.withLock { $0.gateway = gateway } }

    /// Asks for a reload, and does not wait for it.
    func request() {
        guard !isWaiting.exchange(true, ordering: .acquiringAndReleasing) else { return }
        if DetachedThread.start({ self.reload() }) { return }
        isWaiting.store(false, ordering: .releasing)
        logger.error("nothing is read again: the system gives no thread")
    }

    private func reload() {
        state.withLock { state in
            isWaiting.store(false, ordering: .releasing)
            guard let gateway = state.gateway else { return }
            ServiceManager.notifyReloading()
            let isGood = takeUp(&state.running, gateway)
            gateway.reloaded(successfully: isGood)
            ServiceManager.notify("READY=1")
        }
    }

    /// - Returns: whether nothing was wrong.
    private func takeUp(_ running: inout SettingValues, _ gateway: Gateway) -> Bool {
        let (values, faults) = sources.gather()
        let wanted = ServerConfiguration(values: values)
        var problems = (faults + wanted.problems).map { "\($0)" }
        if problems.isEmpty { problems = Exposure(wanted, inherited: gateway.configuration.inherited).refusals }
        guard problems.isEmpty else {
            for problem in problems { logger.error("settings stay as they were", metadata: ["error": "\(problem)"]) }
            return false
        }
        let changed = Settings.all.filter { !values.agrees(with: running, on: $0) }
        let awaiting = changed.filter { !isLive($0, ServerConfiguration(values: running), wanted) }
        let taken = changed.filter { setting in !awaiting.contains { $0.name == setting.name } }
        let before = running
        running = running.adopting(taken, from: values)
        let next = ServerConfiguration(values: running)
        LogThreshold.level = next.logLevel
        gateway.reconfigure(next.gateway, retention: next.retention)
        logger.notice("settings are read again", metadata: ["changed": "\(taken.map(\.key).joined(separator: ", "))"])
        if !awaiting.isEmpty {
            logger.warning(
                "these settings want a restart",
                metadata: ["settings": "\(awaiting.map(\.key).joined(separator: ", "))"])
        }
        // What was not taken is tried again by the next reload.
        let certificates = reloadCertificates(gateway, next)
        if !certificates { running = running.adopting(Settings.certificates, from: before) }
        let tokens = reloadTokens(gateway, next)
        if !tokens { running = running.adopting(Settings.keys, from: before) }
        return certificates && tokens
    }

    /// Whether a running server takes the setting's new value.
    private func isLive(
        _ setting: any SettingDescribing, _ running: ServerConfiguration, _ wanted: ServerConfiguration
    ) -> Bool {
        func isOne(of settings: [any SettingDescribing]) -> Bool { settings.contains { $0.name == setting.name } }
        // TLS and tokens are there from the start or not at all.
        if isOne(of: Settings.certificates) { return (running.tls == nil) == (wanted.tls == nil) }
        if isOne(of: Settings.keys) { return (running.access == nil) == (wanted.access == nil) }
        // Arenas keep the bound they were made with.
        if setting.name == Settings.maxBodyBytes.name {
            return running.gateway.arenaMaximumBytes == wanted.gateway.arenaMaximumBytes
        }
        // Segments keep the size they were made with.
        if setting.name == Settings.retentionBytes.name { return running.allows(wanted.retention) }
        return setting.isLive
    }

    private func reloadCertificates(_ gateway: Gateway, _ server: ServerConfiguration) -> Bool {
        guard let credentials = gateway.configuration.credentials, let configuration = server.tls else { return true }
        do throws(TLSError) {
            try credentials.reload(configuration)
            logger.notice("certificates are read again")
            return true
        } catch {
            logger.error("certificates stay as they were", metadata: ["error": "\(error)"])
            return false
        }
    }

    private func reloadTokens(_ gateway: Gateway, _ server: ServerConfiguration) -> Bool {
        guard let access = gateway.configuration.access, let configuration = server.access else { return true }
        do throws(AccessError) {
            for warning in try access.reload(configuration) { logger.warning("\(warning)") }
            logger.notice("tokens and keys are read again", metadata: ["tokens": "\(access.staticTokenCount)"])
            return true
        } catch {
            for problem in error.problems {
                logger.error("tokens and keys stay as they were", metadata: ["error": "\(problem)"])
            }
            return false
        }
    }
}
