import Glibc
import Synchronization

/// Where log lines go.
enum LogDestination: Sendable {
    /// One line an event, with one `write(2)`.
    case descriptor(Int32, LogLine.Form)
    /// One entry an event, its fields told apart. What does not get there goes to standard error, which the journal reads.
    case journal(JournalSocket, identifier: String)

    /// Standard error, or the journal where that is behind it and no form is asked for.
    static func standardError(_ format: LogFormat) -> LogDestination {
        guard format == .automatic, JournalSocket.isBehind(STDERR_FILENO) else {
            return .descriptor(STDERR_FILENO, LogLine.Form(format, descriptor: STDERR_FILENO))
        }
        guard let socket = JournalSocket() else { return .descriptor(STDERR_FILENO, .prefixed) }
        return .journal(socket, identifier: "postern")
    }

    private static let writing = Mutex<Void>(())

    func write(_ line: LogLine) {
        switch self {
        case .descriptor(let descriptor, let form):
            let bytes = line.bytes(form)
            Self.writing.withLock { _ in _ = SystemFile.write(bytes, to: descriptor) }
        case .journal(let socket, let identifier):
            if socket.send(line.journalEntry(identifier: identifier)) { return }
            LogDestination.descriptor(STDERR_FILENO, .prefixed).write(line)
        }
    }
}
