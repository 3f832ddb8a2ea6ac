import Glibc

/// A file that remembers up to where somebody has read: a cursor and a line's end.
///
/// It is replaced whole, so that it holds the old cursor or the new one whenever the machine stops.
// unsafe: passes C strings and bytes to the system for the length of each call.
public struct StateFile: Sendable {
    public let path: String

    public init(path: String) { self.path = path }

    /// The cursor; nil where there is no file yet.
    public func read() throws(ClientFailure) -> String? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw ClientFailure(.input, "\(path): \(SystemError.text(errno))")
        }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = unsafe Glibc.read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw ClientFailure(.input, "\(path): \(SystemError.text(errno))") }
        let text = String(decoding: bytes[0..<count], as: UTF8.self)
        let cursor = text.split(separator: "\n", omittingEmptySubsequences: false).first.map(String.init) ?? ""
        if cursor.isEmpty { return nil }
        guard cursor.utf8.allSatisfy({ ($0 >= 48 && $0 <= 57) || ($0 >= 97 && $0 <= 122) }), text.hasSuffix("\n") else {
            throw ClientFailure(.input, "\(path): this is no file of a cursor; remove it to begin anew")
        }
        return cursor
    }

    public func write(_ cursor: String) throws(ClientFailure) {
        let temporary = path + ".new"
        let descriptor = unsafe open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw ClientFailure(.output, "\(temporary): \(SystemError.text(errno))") }
        let bytes = Array((cursor + "\n").utf8)
        let isWritten = unsafe Glibc.write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
        let number = errno
        close(descriptor)
        guard isWritten else { throw ClientFailure(.output, "\(temporary): \(SystemError.text(number))") }
        guard unsafe rename(temporary, path) == 0 else {
            throw ClientFailure(.output, "\(path): \(SystemError.text(errno))")
        }
    }
}

/// What the system calls its errors.
public enum SystemError {
    // unsafe: the text is the C library's; it is copied at once.
    public static func text(_ number: Int32) -> String {
        guard let text = unsafe strerror(number) else { return "error \(number)" }
        return unsafe String(cString: text)
    }
}
