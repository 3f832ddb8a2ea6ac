extension LogLine {
    /// The entry as systemd's journal takes it (its native protocol): a field a line, `NAME=value`.
    ///
    /// `MESSAGE` has the fields of the line behind it, as text, so that `journalctl` shows them; each stands in a field of
    /// its own besides, `POSTERN_` and its name in capitals. Control characters are escaped as in the other forms, so that
    /// nothing a stranger sent begins a field of its own.
    /// - Parameter identifier: what the journal calls the program.
    func journalEntry(identifier: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        bytes.append("MESSAGE=")
        appendMessage(to: &bytes)
        bytes.append("\nPRIORITY=")
        bytes.append(UInt8(ascii: "0") + level.syslogPriority)
        bytes.append("\nSYSLOG_IDENTIFIER=")
        bytes.append(contentsOf: identifier.utf8)
        if !label.isEmpty { Self.appendField("LOGGER", label, to: &bytes) }
        for (key, value) in sortedFields { Self.appendField(key, value.description, to: &bytes) }
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }

    /// The line with a syslog priority before it (sd-daemon(3)), for a journal that reads standard error.
    func prefixedText() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append("<")
        bytes.append(UInt8(ascii: "0") + level.syslogPriority)
        bytes.append(">")
        appendMessage(to: &bytes)
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }

    /// The journal takes names of 64 bytes at most.
    private static let maximumNameBytes = 64
    private static let namePrefix = "POSTERN_"

    private static func appendField(_ key: String, _ value: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: namePrefix.utf8)
        for byte in key.utf8.prefix(maximumNameBytes - namePrefix.utf8.count) {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"): bytes.append(byte - 0x20)
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): bytes.append(byte)
            default: bytes.append(UInt8(ascii: "_"))
            }
        }
        bytes.append(UInt8(ascii: "="))
        bytes.appendLogString(value) { _ in false }
    }
}

extension Logger.Level {
    /// RFC 5424, section 6.2.1; 7 at most.
    var syslogPriority: UInt8 {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}
