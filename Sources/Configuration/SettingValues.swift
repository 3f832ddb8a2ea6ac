/// What is set, each by the strongest of those who set it: flags beat the environment, which beats the file.
///
/// A plain value, of any thread. It holds texts; `subscript` reads them, and every one that is held can be read.
public struct SettingValues: Sendable {
    public struct Given: Equatable, Sendable {
        public var text: String
        public var origin: SettingOrigin
    }

    /// By the settings' names.
    private var given: [String: Given] = [:]

    /// Nothing set.
    public init() {}

    /// Where values may stand.
    public struct Sources {
        /// The file's path, as an operator named it, and what it holds.
        public var file: (path: String, bytes: [UInt8])?
        /// All of the environment, by name.
        public var environment: [String: String]
        /// Flags' texts by settings' names.
        public var flags: [String: String]

        public init(file: (path: String, bytes: [UInt8])?, environment: [String: String], flags: [String: String]) {
            self.file = file
            self.environment = environment
            self.flags = flags
        }
    }

    /// Puts together what is set.
    /// - Returns: what can be read, and all that is wrong, in the order of the sources.
    public static func gather(
        _ sources: Sources, for settings: [any SettingDescribing], ignoring otherVariables: Set<String> = []
    ) -> (values: SettingValues, problems: [SettingProblem]) {
        var values = SettingValues()
        var problems: [SettingProblem] = []
        if let file = sources.file {
            let read = SettingsFile(parsing: file.bytes.span, path: file.path, settings: settings)
            problems += read.problems
            for setting in settings {
                guard let line = read.lines[setting.name] else { continue }
                values.take(line.text, line.origin, setting.key, setting, &problems)
            }
            problems.sort { $0.line < $1.line }
        }
        problems += EnvironmentVariables.misspelt(sources.environment, settings, ignoring: otherVariables)
        for setting in settings {
            if let text = sources.environment[setting.variable] {
                values.take(text, .environment, setting.variable, setting, &problems)
            }
        }
        for setting in settings {
            if let text = sources.flags[setting.name] {
                values.take(text, .commandLine, setting.flag, setting, &problems)
            }
        }
        return (values, problems)
    }

    private mutating func take(
        _ text: String, _ origin: SettingOrigin, _ name: String, _ setting: any SettingDescribing,
        _ problems: inout [SettingProblem]
    ) {
        do throws(SettingRefusal) {
            try setting.check(text)
            given[setting.name] = Given(text: text, origin: origin)
        } catch {
            problems.append(SettingProblem(origin, name, error.message))
        }
    }

    /// The setting's value; nil where nothing is set.
    public subscript<Value>(_ setting: Setting<Value>) -> Value? {
        given[setting.name].flatMap { given in try? setting.form.read(given.text) }
    }

    /// What is set, as it is written.
    public func given(_ setting: any SettingDescribing) -> Given? { given[setting.name] }

    /// A problem of a setting that stands where its value does.
    public func problem(_ setting: any SettingDescribing, _ message: String) -> SettingProblem {
        switch given[setting.name]?.origin {
        case .environment: SettingProblem(.environment, setting.variable, message)
        case .commandLine: SettingProblem(.commandLine, setting.flag, message)
        case .file(let path, let line): SettingProblem(.file(path: path, line: line), setting.key, message)
        case nil: SettingProblem(nil, setting.flag, message)
        }
    }

    /// These values with those of `settings` as `other` has them.
    public func adopting(_ settings: [any SettingDescribing], from other: SettingValues) -> SettingValues {
        var merged = self
        for setting in settings { merged.given[setting.name] = other.given[setting.name] }
        return merged
    }

    /// Whether both set the same text, wherever it stands.
    public func agrees(with other: SettingValues, on setting: any SettingDescribing) -> Bool {
        given[setting.name]?.text == other.given[setting.name]?.text
    }
}

extension SettingProblem {
    /// Problems of one file are told from its top.
    fileprivate var line: Int {
        if case .file(_, let line) = origin { return line }
        return .max
    }
}
