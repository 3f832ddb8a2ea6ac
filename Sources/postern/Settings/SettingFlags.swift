import ArgumentParser
import Configuration

/// Flags of settings, each an option of its setting's name that takes any text: settings are checked where their
/// sources come together, so that all that is wrong is told at once.
protocol SettingFlags: ParsableArguments {}

extension SettingFlags {
    /// The texts that were given, by settings' names.
    var given: [String: String] {
        var texts: [String: String] = [:]
        for child in Mirror(reflecting: self).children {
            guard let option = child.value as? Option<String?>, let text = option.wrappedValue,
                let label = child.label
            else { continue }
            texts[Self.name(label)] = text
        }
        return texts
    }

    /// `_maxBodyBytes`, as a property wrapper's storage is called, is `max-body-bytes`.
    private static func name(_ label: String) -> String {
        label.drop { $0 == "_" }.map { $0.isUppercase ? "-" + $0.lowercased() : String($0) }.joined()
    }
}

extension Option where Value == String? {
    /// The flag of a setting.
    init(_ setting: some SettingDescribing) {
        let completion: CompletionKind? =
            setting.isPath
            ? setting.layout == .list ? nil : .file()
            : setting.choices.isEmpty ? nil : .list(setting.choices)
        self.init(
            name: .customLong(setting.name),
            help: ArgumentHelp(
                "\(setting.description) (default: \(setting.defaultText))", valueName: setting.valueName),
            completion: completion)
    }
}
