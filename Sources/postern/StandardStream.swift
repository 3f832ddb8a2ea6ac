import Glibc

/// The standard streams.
enum StandardStream {
    static func output(_ text: String) { write(text, to: STDOUT_FILENO) }
    static func error(_ text: String) { write(text, to: STDERR_FILENO) }

    /// Tells a person what is wrong, on standard error; the program's name stands before each line.
    static func complain(_ text: String) {
        for line in text.split(separator: "\n") { error("postern: \(line)\n") }
    }

    /// Lines gathered for standard output, for whoever writes many of them.
    struct Lines {
        private var bytes: [UInt8] = []

        private static let writeBytes = 64 << 10

        mutating func append(_ line: Span<UInt8>) {
            for index in line.indices { bytes.append(line[index]) }
            bytes.append(UInt8(ascii: "\n"))
            if bytes.count >= Self.writeBytes { flush() }
        }

        mutating func flush() {
            // unsafe: passes bytes to the kernel for the length of the call.
            _ = unsafe bytes.withUnsafeBytes { bytes in unsafe StandardStream.writeAll(bytes, to: STDOUT_FILENO) }
            bytes.removeAll(keepingCapacity: true)
        }
    }

    /// Writes to standard output.
    /// - Returns: false where that fails; `errno` says why.
    // unsafe: passes bytes to the kernel for the length of the call.
    static func write(_ bytes: [UInt8]) -> Bool {
        unsafe bytes.withUnsafeBytes { bytes in unsafe writeAll(bytes, to: STDOUT_FILENO) }
    }

    // unsafe: passes bytes to the kernel for the length of the call.
    private static func write(_ text: String, to descriptor: Int32) {
        var text = text
        _ = text.withUTF8 { bytes in unsafe writeAll(UnsafeRawBufferPointer(bytes), to: descriptor) }
    }

    private static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Bool {
        var done = 0
        while done < bytes.count, let start = bytes.baseAddress {
            let count = unsafe Glibc.write(descriptor, start + done, bytes.count - done)
            if count > 0 { done += count } else if errno != EINTR { return false }
        }
        return true
    }
}
