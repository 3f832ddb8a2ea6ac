import Glibc

// Unsafe: the calls to the system that Telemetry makes, each behind a safe function.

/// The system's clocks.
enum SystemClock {
    /// Zero where there is no such clock.
    static func now(_ clock: clockid_t) -> timespec {
        var time = timespec()
        _ = unsafe clock_gettime(clock, &time)
        return time
    }
}

/// Files, by path or descriptor.
enum SystemFile {
    /// Up to `limit` bytes from the start of a file; nil where it cannot be read.
    static func read(_ path: String, limit: Int) -> [UInt8]? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 { return nil }
        defer { close(descriptor) }
        var failed = false
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            while count < limit {
                let got = unsafe Glibc.read(descriptor, buffer.baseAddress! + count, limit - count)
                if got < 0 && errno == EINTR { continue }
                failed = got < 0
                if got <= 0 { break }
                count += got
            }
        }
        return failed ? nil : bytes
    }

    /// Open files of this process; nil where the system does not tell.
    static func openDescriptors() -> Int? {
        // Since Linux 6.2 the directory's size is their number, which spares reading thousands of entries.
        var status = stat()
        if unsafe stat("/proc/self/fd", &status) == 0 && status.st_size > 0 { return Int(status.st_size) }
        return listedDescriptors()
    }

    /// The same, by reading the directory.
    static func listedDescriptors() -> Int? {
        guard let directory = unsafe opendir("/proc/self/fd") else { return nil }
        defer { unsafe closedir(directory) }
        // Neither `.` nor `..`, nor the descriptor that reads.
        var count = -3
        while unsafe readdir(directory) != nil { count += 1 }
        return count
    }

    /// How many files this process may have open; nil where there is no bound.
    static func descriptorLimit() -> UInt64? {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
        return limit.rlim_cur == .max ? nil : UInt64(limit.rlim_cur)
    }

    /// Writes all of `bytes` with one call where the system takes them at once.
    /// - Returns: false where it failed, and some or all of them are lost.
    /// - Parameter patienceMilliseconds: how long a descriptor that does not block may stay full.
    static func write(_ bytes: [UInt8], to descriptor: Int32, patienceMilliseconds: Int32 = 1_000) -> Bool {
        unsafe bytes.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count {
                let wrote = unsafe Glibc.write(descriptor, buffer.baseAddress! + done, buffer.count - done)
                if wrote < 0 && errno == EINTR { continue }
                if wrote < 0 && errno == EAGAIN && waitUntilWritable(descriptor, patienceMilliseconds) { continue }
                if wrote < 0 { return false }
                done += wrote
            }
            return true
        }
    }

    private static func waitUntilWritable(_ descriptor: Int32, _ milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return unsafe poll(&entry, 1, milliseconds) == 1 && entry.revents & Int16(POLLOUT) != 0
    }
}
