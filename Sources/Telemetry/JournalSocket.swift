import CSystemd

/// The way to systemd's journal, where standard error leads there anyway.
// unsafe: passes paths and bytes to the system for the length of a call.
struct JournalSocket: Sendable {
    static let path = "/run/systemd/journal/socket"

    private let descriptor: Int32
    private let path: String

    /// - Returns: nil where nobody listens at `path`.
    init?(path: String = JournalSocket.path) {
        descriptor = postern_datagram_socket()
        self.path = path
        // A datagram without a field is none: the journal drops it.
        guard descriptor >= 0, send([]) else { return nil }
    }

    /// Hands over an entry. Any thread; waits for a journal that is behind for a second at most.
    /// - Returns: false where it is lost: the journal is not there, or the entry is larger than a datagram may be.
    func send(_ entry: [UInt8]) -> Bool {
        unsafe entry.withUnsafeBytes { bytes in
            unsafe postern_send_datagram(
                descriptor, path, bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 1), bytes.count, 1)
                == 0
        }
    }

    /// Whether `descriptor` is what systemd connected to the journal.
    static func isBehind(_ descriptor: Int32) -> Bool { postern_is_journal(descriptor) != 0 }
}
