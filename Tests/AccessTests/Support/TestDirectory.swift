import Glibc

/// A directory for the length of a test.
final class TestDirectory: Sendable {
    private let root: String

    // unsafe: the system completes the template in place and hands it back.
    init() {
        var template = Array("/tmp/postern-access-XXXXXX".utf8CString)
        guard let made = unsafe mkdtemp(&template) else { preconditionFailure("no directory") }
        root = unsafe String(cString: made)
    }

    // unsafe: passes C strings to the system for the length of a call.
    deinit {
        for name in ["tokens", "secret"] { unsafe unlink(path(name)) }
        unsafe rmdir(root)
    }

    func path(_ name: String) -> String { root + "/" + name }

    func write(_ name: String, _ text: String, mode: mode_t = 0o600) { write(name, text.bytes, mode: mode) }

    // unsafe: passes the array's bytes to the system for the length of the call.
    func write(_ name: String, _ bytes: [UInt8], mode: mode_t = 0o600) {
        let descriptor = unsafe open(path(name), O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        precondition(descriptor >= 0, "no file")
        precondition(unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count, "no room")
        // Whatever the mask of the process is.
        fchmod(descriptor, mode)
        close(descriptor)
    }

    /// Writes a file aside and puts it in the place of the one that is there, as a careful editor does.
    // unsafe: passes C strings to the system for the length of a call.
    func replace(_ name: String, _ text: String) {
        write(name + ".new", text)
        unsafe rename(path(name + ".new"), path(name))
    }
}
