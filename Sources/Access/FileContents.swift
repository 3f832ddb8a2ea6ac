import Glibc

/// A file that says who may do what, as it was read: its bytes, and who else may read and write it.
// unsafe: passes C strings and the array's memory to system calls for the length of the call.
struct FileContents {
    var bytes: [UInt8]
    /// Whether users that are neither the owner nor in the group may read it.
    var othersMayRead: Bool

    /// Reads a regular file.
    /// - Throws: one sentence, where it cannot be read, has more than `maximumBytes`, or may be written by others: whoever
    ///   writes it grants himself whatever he likes.
    init(path: String, maximumBytes: Int) throws(AccessError) {
        // A pipe without a writer must not hold up a start.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw AccessError("\(path): \(Self.text(errno))") }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw AccessError("\(path): \(Self.text(errno))") }
        guard status.st_mode & S_IFMT == S_IFREG else { throw AccessError("\(path): a regular file is wanted") }
        guard status.st_mode & S_IWOTH == 0 else {
            throw AccessError("\(path): everybody may write this file; take that away with chmod o-w")
        }
        othersMayRead = status.st_mode & S_IROTH != 0
        bytes = []
        try Self.read(descriptor, path, maximumBytes, into: &bytes)
    }

    private static func read(
        _ descriptor: Int32, _ path: String, _ maximumBytes: Int, into bytes: inout [UInt8]
    ) throws(AccessError) {
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = unsafe Glibc.read(descriptor, &piece, piece.count)
            if count == 0 { return }
            if count < 0 {
                if errno == EINTR { continue }
                throw AccessError("\(path): \(text(errno))")
            }
            bytes += piece[0..<count]
            guard bytes.count <= maximumBytes else {
                throw AccessError("\(path): at most \(maximumBytes) bytes are taken")
            }
        }
    }

    private static func text(_ number: Int32) -> String {
        guard let text = unsafe strerror(number) else { return "error \(number)" }
        return unsafe String(cString: text)
    }
}
