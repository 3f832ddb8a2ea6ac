import Glibc

/// One event of the log, as it is written.
struct LogLine {
    var time: RFC3339Timestamp
    var level: Logger.Level
    /// The logger's name; not shown where it is empty.
    var label: String
    var message: String
    var fields: Logger.Metadata

    /// `LogFormat` once it is decided.
    enum Form {
        case text, json
        /// Text for a journal that reads standard error: it knows the time, and finds the level before the line.
        case prefixed

        init(_ format: LogFormat, descriptor: Int32) {
            switch format {
            case .text: self = .text
            case .json: self = .json
            case .automatic: self = isatty(descriptor) == 1 ? .text : .json
            }
        }
    }

    /// Longest string a line shows, in bytes, so that one value from a stranger cannot flood the log.
    static let maximumStringBytes = 8 << 10

    /// The line, its line feed included; no other line feed is in it.
    func bytes(_ form: Form) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256)
        switch form {
        case .text: appendText(to: &bytes)
        case .json: appendJSON(to: &bytes)
        case .prefixed: return prefixedText()
        }
        bytes.append(UInt8(ascii: "\n"))
        return bytes
    }

    /// Fields in the order of their names, so that lines are easy to compare.
    var sortedFields: [(key: String, value: Logger.MetadataValue)] {
        fields.sorted { $0.key < $1.key }
    }
}
