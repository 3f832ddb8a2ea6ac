/// Where a value was written. What stands later in this list beats what stands before it.
public enum SettingOrigin: Equatable, Sendable {
    case file(path: String, line: Int)
    case environment
    case commandLine
}

/// What is wrong with the configuration, in words for an operator, and where.
public struct SettingProblem: Error, Equatable, Sendable, CustomStringConvertible {
    /// Nil where no one value is to blame.
    public var origin: SettingOrigin?
    /// The name as it stands there: `max_body_bytes`, `POSTERN_MAX_BODY_BYTES` or `--max-body-bytes`; empty for none.
    public var name: String
    public var message: String

    public init(_ origin: SettingOrigin?, _ name: String, _ message: String) {
        self.origin = origin
        self.name = name
        self.message = message
    }

    /// `postern.toml:12: max_body_bytes: a size from 1KiB to 64MiB is wanted, not '7TB'`
    public var description: String {
        var text = ""
        if case .file(let path, let line) = origin { text = line > 0 ? "\(path):\(line): " : "\(path): " }
        return text + (name.isEmpty ? "" : "\(name): ") + message
    }

    /// Whether it stands in a file.
    public var isInFile: Bool {
        if case .file = origin { return true }
        return false
    }
}
