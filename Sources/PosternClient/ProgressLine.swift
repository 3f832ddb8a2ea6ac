import Glibc

/// A line on standard error that is written over by the next, on a terminal; elsewhere lines of their own.
enum ProgressLine {
    // unsafe: passes bytes to the system for the length of the call.
    static func show(_ text: String) {
        let line = Array((isatty(STDERR_FILENO) == 1 ? "\r\u{1B}[K" + text : text + "\n").utf8)
        _ = unsafe write(STDERR_FILENO, line, line.count)
    }
}
