/// How a setting's value is written: what reads its text, what is told where it cannot be read.
///
/// A text means the same on the command line, in the environment and in a file.
public struct SettingForm<Value: Sendable>: Sendable {
    /// What may be written, in a few words: "1KiB to 64MiB"; nil where the setting's help says it.
    public var range: String?
    /// The values, where they are few and have names.
    public var choices: [String] = []
    /// What a value is called in help: `size`.
    public var valueName: String
    /// How a file may write it beside as a text.
    public var layout = SettingLayout.scalar
    /// Whether the value names a file, for shells that complete it.
    public var isPath = false
    public var read: @Sendable (String) throws(SettingRefusal) -> Value
    /// The value as a text that `read` takes.
    public var text: @Sendable (Value) -> String

    public init(
        valueName: String, range: String? = nil, read: @escaping @Sendable (String) throws(SettingRefusal) -> Value,
        text: @escaping @Sendable (Value) -> String
    ) {
        self.valueName = valueName
        self.range = range
        self.read = read
        self.text = text
    }
}

/// How a file may write a setting's value, beside as one text.
public enum SettingLayout: Sendable {
    /// A text, a number or a truth value.
    case scalar
    /// A list: `["a", "b"]` for `a,b`.
    case list
    /// A table: `{ requests = "10/s" }` for `requests=10/s`, joined by commas.
    case pairs
}

/// Why a text is no value of a setting, in words for an operator.
public struct SettingRefusal: Error, Equatable, Sendable {
    public var message: String

    public init(_ message: String) { self.message = message }
}
