import Gateway
import Glibc
import Telemetry

/// What the service manager is told while the server runs, by a thread of its own: that all threads are alive, and how
/// much there is to do.
///
/// A loop, or the log's writer, that stands still ends the signs of life, and the manager kills the process when
/// `WatchdogSec=` has passed without one. So a stuck loop is noticed though the others serve.
struct ServiceReports: Sendable {
    let gateway: Gateway
    let logger: Logger
    let address: String

    /// The status line follows the figures so closely; those who watch closer read /metrics.
    private static let statusMilliseconds: UInt64 = 5000

    /// Begins to report, where somebody listens. Called once, after the gateway was started.
    func start() {
        guard ServiceManager.variable("NOTIFY_SOCKET") != nil else { return }
        if !DetachedThread.start({ run() }) { logger.error("the service manager hears nothing: there is no thread") }
    }

    /// Half of the manager's time: a thread that is stuck is told of by the missing half.
    private func run() {
        let watchdog = ServiceManager.watchdogMilliseconds
        var pulse = ThreadPulse(patienceMilliseconds: (watchdog ?? 0) / 2)
        let period = min(Self.statusMilliseconds, max(50, (watchdog ?? .max) / 4))
        // The first came with READY=1.
        var status = ""
        var statusDue = ServiceManager.nowNanoseconds() / 1_000_000 + Self.statusMilliseconds
        var wasStuck = false
        while !gateway.isDraining {
            let now = ServiceManager.nowNanoseconds() / 1_000_000
            if watchdog != nil {
                let stuck = pulse.stuckThread(gateway.threadTurns, nowMilliseconds: now)
                if stuck == nil { ServiceManager.notify("WATCHDOG=1") }
                if let stuck, !wasStuck {
                    logger.critical(
                        "a thread is stuck; the watchdog is not fed", metadata: ["thread": "\(name(stuck))"])
                }
                wasStuck = stuck != nil
            }
            // A log that is stuck may hold the lock that figures want: signs of life come first.
            if now >= statusDue, !wasStuck {
                statusDue = now + Self.statusMilliseconds
                let text = statusText()
                if text != status { ServiceManager.notify("STATUS=" + text) }
                status = text
            }
            pause(milliseconds: period)
        }
    }

    private func name(_ thread: Int) -> String {
        thread < gateway.configuration.loops ? "loop \(thread)" : "log writer"
    }

    func statusText() -> String {
        "serving on \(address), \(gateway.openConnections) connections, \(gateway.publishedMessages) messages published"
    }

    private func pause(milliseconds: UInt64) { poll(nil, 0, Int32(milliseconds)) }
}
