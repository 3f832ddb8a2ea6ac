import ArgumentParser
import Glibc
import PosternClient

/// A command that talks to a server: it ends with one line on standard error and a status of its own where that fails.
protocol ClientCommand: ParsableCommand {
    /// What the command does. Throws `ClientFailure`, or a usage error.
    func perform() throws
}

extension ClientCommand {
    func run() throws {
        Interrupt.note()
        do { try perform() } catch let failure as ClientFailure {
            if failure.status != .ok { StandardStream.complain(failure.description) }
            throw ExitCode(failure.status.rawValue)
        }
    }
}

/// Standard output of client commands: whoever reads it may leave.
enum Output {
    /// - Throws: where it cannot be written; a reader that has left (EPIPE) ends the command without a word.
    static func write(_ bytes: [UInt8]) throws(ClientFailure) {
        guard !StandardStream.write(bytes) else { return }
        let number = errno
        if number == EPIPE { throw ClientFailure(.ok, "whoever read it left") }
        throw ClientFailure(.output, "standard output: \(SystemText.error(number))")
    }

    static func write(_ text: String) throws(ClientFailure) { try write(Array(text.utf8)) }
}

/// Files and standard input, as bytes.
// unsafe: passes paths and arrays to the system for the length of each call.
enum InputFile {
    /// A descriptor, which is the caller's to close.
    static func opened(_ path: String) throws(ClientFailure) -> Int32 {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw ClientFailure(.input, "\(path): \(SystemText.error(errno))") }
        return descriptor
    }

    static func contents(_ path: String, maximumBytes: Int) throws(ClientFailure) -> [UInt8] {
        let descriptor = try opened(path)
        defer { close(descriptor) }
        return try contents(of: descriptor, name: path, maximumBytes: maximumBytes)
    }

    /// Reads to the end.
    static func contents(
        of descriptor: Int32, name: String, maximumBytes: Int
    ) throws(ClientFailure) -> [UInt8] {
        var bytes: [UInt8] = []
        while let piece = try piece(of: descriptor, name: name) {
            bytes += piece
            guard bytes.count <= maximumBytes else {
                throw ClientFailure(.input, "\(name): more than \(maximumBytes) bytes; no message is as large")
            }
        }
        return bytes
    }

    /// Says what is waited for, where somebody sits in front of it.
    static func tellTerminal(_ descriptor: Int32) {
        if isatty(descriptor) == 1 { StandardStream.complain("reading from the terminal; Control-D ends it") }
    }

    /// The next bytes that are there; nil at the end.
    static func piece(of descriptor: Int32, name: String) throws(ClientFailure) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = unsafe read(descriptor, &bytes, bytes.count)
            if count > 0 { return Array(bytes[0..<count]) }
            if count == 0 { return nil }
            guard errno == EINTR else { throw ClientFailure(.input, "\(name): \(SystemText.error(errno))") }
            if Interrupt.isPending { return nil }
        }
    }

    /// Whether a read would find something, or the end, within so long.
    static func isReady(_ descriptor: Int32, milliseconds: Int32) -> Bool {
        var poll = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return unsafe Glibc.poll(&poll, 1, milliseconds) > 0
    }
}
