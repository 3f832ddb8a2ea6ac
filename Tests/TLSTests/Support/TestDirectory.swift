import Glibc

/// A directory with a certificate and its key, for the length of a test.
final class TestDirectory: Sendable {
    private let root: String

    // unsafe: the system completes the template in place and hands it back.
    init() {
        var template = Array("/tmp/postern-tls-XXXXXX".utf8CString)
        guard let made = unsafe mkdtemp(&template) else { preconditionFailure("no directory") }
        root = unsafe String(cString: made)
        write("chain", TestCertificate.chain)
        write("key", TestCertificate.key)
    }

    // unsafe: passes C strings to the system for the length of a call.
    deinit {
        for name in ["chain", "key"] { unsafe unlink(path(name)) }
        unsafe rmdir(root)
    }

    func path(_ name: String) -> String { root + "/" + name }

    // unsafe: passes the text's bytes to the system for the length of the call.
    func write(_ name: String, _ text: String) {
        let descriptor = unsafe open(path(name), O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        precondition(descriptor >= 0, "no file")
        let bytes = Array(text.utf8)
        precondition(unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count, "no room")
        close(descriptor)
    }
}
