import Glibc

/// What the system calls its errors.
enum SystemText {
    // unsafe: the text is the C library's; it is copied at once.
    static func error(_ number: Int32) -> String {
        guard let text = unsafe strerror(number) else { return "error \(number)" }
        return unsafe String(cString: text)
    }
}
