/// One thing that an operator may set: its names, what it takes, what holds without it.
///
/// The one place that help, files, the reference and the checks are made from. A plain value, of any thread.
public struct Setting<Value: Sendable>: SettingDescribing {
    /// As a flag, without its hyphens: `max-body-bytes`.
    public let name: String
    public let form: SettingForm<Value>
    /// What it is, a sentence without its end where a range follows.
    public let summary: String
    /// What holds where nothing is set, as a value's text or in words.
    public let defaultText: String
    /// Whether `defaultText` is a value that could be written.
    public let hasDefaultValue: Bool
    /// Whether a running server takes a new value.
    public let isLive: Bool

    /// With a value that holds where nothing is set.
    public init(
        _ name: String, _ form: SettingForm<Value>, default value: Value, live: Bool = false, _ summary: String
    ) {
        self.name = name
        self.form = form
        self.summary = summary
        defaultText = form.text(value)
        hasDefaultValue = true
        isLive = live
    }

    /// With words for what holds where nothing is set.
    public init(
        _ name: String, _ form: SettingForm<Value>, defaultText: String, live: Bool = false, _ summary: String
    ) {
        self.name = name
        self.form = form
        self.summary = summary
        self.defaultText = defaultText
        hasDefaultValue = false
        isLive = live
    }

    public var range: String? { form.range }
    public var choices: [String] { form.choices }
    public var valueName: String { form.valueName }
    public var layout: SettingLayout { form.layout }
    public var isPath: Bool { form.isPath }

    public func check(_ text: String) throws(SettingRefusal) { _ = try form.read(text) }
}

/// What is known of a setting whatever its values are.
public protocol SettingDescribing: Sendable {
    var name: String { get }
    var summary: String { get }
    var range: String? { get }
    var choices: [String] { get }
    var valueName: String { get }
    var layout: SettingLayout { get }
    var isPath: Bool { get }
    var defaultText: String { get }
    var hasDefaultValue: Bool { get }
    var isLive: Bool { get }
    /// - Throws: why the text is no value.
    func check(_ text: String) throws(SettingRefusal)
}

extension SettingDescribing {
    /// On the command line: `--max-body-bytes`.
    public var flag: String { "--" + name }
    /// In a file: `max_body_bytes`.
    public var key: String { String(name.map { $0 == "-" ? "_" : $0 }) }
    /// In the environment: `POSTERN_MAX_BODY_BYTES`.
    public var variable: String { EnvironmentVariables.prefix + key.uppercased() }

    /// What it is and may be, as a sentence: "Largest request body: 1KiB to 64MiB."
    public var description: String { range.map { "\(summary): \($0)." } ?? summary }
}

/// Settings that belong together, in the order they are shown.
public struct SettingGroup: Sendable {
    public var title: String
    public var settings: [any SettingDescribing]

    public init(_ title: String, _ settings: [any SettingDescribing]) {
        self.title = title
        self.settings = settings
    }
}
