import Glibc

/// Time that does not go back.
public enum Clock {
    // unsafe: the system writes to a local for the length of the call.
    public static var nanoseconds: UInt64 {
        var now = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
    }

    public static var milliseconds: UInt64 { nanoseconds / 1_000_000 }

    /// Ends early where a signal comes.
    public static func sleep(milliseconds: Int) {
        guard milliseconds > 0 else { return }
        usleep(UInt32(clamping: milliseconds * 1000))
    }
}
