import CSystemd
import Glibc

/// The service manager that started us, where there is one (sd_notify(3)).
enum ServiceManager {
    // unsafe: passes a C string for the length of the call.
    static func notify(_ state: String) {
        _ = unsafe state.withCString { text in unsafe postern_notify_service_manager(text) }
    }

    /// Settings are about to be read again. With `Type=notify-reload` the manager waits for the READY=1 behind it, and
    /// tells by the time that it is the answer to its own request.
    static func notifyReloading() {
        notify("RELOADING=1\nMONOTONIC_USEC=\(nowNanoseconds() / 1000)")
    }

    // unsafe: the system writes the time into a local.
    static func nowNanoseconds() -> UInt64 {
        var now = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
    }

    // unsafe: getenv returns a C string; it is copied at once.
    static func variable(_ name: String) -> String? {
        guard let text = unsafe getenv(name) else { return nil }
        return unsafe String(cString: text)
    }

    /// How long the manager waits for a sign of life before it kills us (sd_watchdog_enabled(3)); nil where it does not.
    static var watchdogMilliseconds: UInt64? {
        guard let text = variable("WATCHDOG_USEC"), let microseconds = UInt64(text), microseconds > 0 else {
            return nil
        }
        if let process = variable("WATCHDOG_PID"), process != "\(getpid())" { return nil }
        return max(1, microseconds / 1000)
    }
}
