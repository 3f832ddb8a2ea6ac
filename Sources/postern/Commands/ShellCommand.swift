import CLinux
import Glibc
import PosternClient

/// A command of the user's, run by the shell once for each message.
// unsafe: hands C strings and descriptors to posix_spawn for the length of the call.
struct ShellCommand {
    let text: String
    /// The process's own environment.
    private let environment: [String: String]

    init(_ text: String) {
        self.text = text
        environment = Environment.all()
    }

    /// Runs it with `input` on its standard input, and waits for it.
    /// - Parameter variables: added to its environment.
    /// - Throws: where it cannot be started, ends with anything but 0, or by a signal.
    func run(input: [UInt8], variables: [(name: String, value: String)]) throws(ClientFailure) {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else { throw failed("no pipe: \(SystemText.error(errno))") }
        // Nobody else may hold the end that is written to, or the command would never see an end.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let child = spawn(standardInput: ends[0], variables)
        close(ends[0])
        if case .success = child { Self.write(input, to: ends[1]) }
        close(ends[1])
        switch child {
        case .failure(let number): throw failed("cannot be started: \(SystemText.error(number.rawValue))")
        case .success(let pid): try wait(for: pid)
        }
    }

    private struct Number: Error { var rawValue: Int32 }

    private func spawn(
        standardInput: Int32, _ variables: [(name: String, value: String)]
    ) -> Result<pid_t, Number> {
        var all = environment
        // A text of the system's ends at its first zero byte.
        for (name, value) in variables { all[name] = String(value.prefix { $0 != "\0" }) }
        let arguments = unsafe Self.copies(["/bin/sh", "-c", text])
        let entries = unsafe Self.copies(all.map { "\($0)=\($1)" })
        defer {
            unsafe arguments.forEach { unsafe free($0) }
            unsafe entries.forEach { unsafe free($0) }
        }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, standardInput, STDIN_FILENO)
        // Connections are ours alone.
        postern_close_on_exec_from(STDERR_FILENO + 1)
        // It is to be told of a reader that has left as any program is.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var defaults = sigset_t()
        unsafe sigemptyset(&defaults)
        unsafe sigaddset(&defaults, SIGPIPE)
        unsafe posix_spawnattr_setsigdefault(&attributes, &defaults)
        unsafe posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF))
        var pid: pid_t = 0
        let result = unsafe posix_spawn(&pid, "/bin/sh", &actions, &attributes, arguments, entries)
        return result == 0 ? .success(pid) : .failure(Number(rawValue: result))
    }

    /// C's copies of texts, and a nil behind them; the caller frees them.
    private static func copies(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] {
        var copies: [UnsafeMutablePointer<CChar>?] = unsafe []
        for text in texts { unsafe copies.append(strdup(text)) }
        unsafe copies.append(nil)
        return unsafe copies
    }

    /// What it does not read is not its loss.
    private static func write(_ bytes: [UInt8], to descriptor: Int32) {
        var done = 0
        while done < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { bytes in
                unsafe Glibc.write(descriptor, bytes.baseAddress.unsafelyUnwrapped + done, bytes.count - done)
            }
            if count > 0 { done += count } else if errno != EINTR { return }
        }
    }

    private func wait(for pid: pid_t) throws(ClientFailure) {
        var status: Int32 = 0
        while unsafe waitpid(pid, &status, 0) < 0 {
            guard errno == EINTR else { throw failed(SystemText.error(errno)) }
        }
        let signal = status & 0x7F
        if signal != 0 { throw failed("was ended by signal \(signal)") }
        let code = status >> 8 & 0xFF
        if code != 0 { throw failed("ended with \(code)") }
    }

    private func failed(_ why: String) -> ClientFailure { ClientFailure(.commandFailed, "'\(text)' \(why)") }
}
