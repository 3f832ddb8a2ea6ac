import Configuration

/// Settings as people read them: as a file, with what holds, and as a table.
enum SettingsText {
    private static let width = 100

    /// What holds, as a file, with where each value comes from.
    static func effective(_ values: SettingValues) -> String {
        Settings.groups.map { group in
            let lines = group.settings.map { setting in
                guard let given = values.given(setting) else {
                    return setting.hasDefaultValue
                        ? padded(assignment(setting, setting.defaultText)) + "# default"
                        : padded("#\(setting.key) =") + "# default: \(setting.defaultText)"
                }
                return padded(assignment(setting, given.text)) + "# \(origin(given.origin, setting))"
            }
            return (["# \(group.title)"] + lines).joined(separator: "\n")
        }.joined(separator: "\n\n") + "\n"
    }

    private static func padded(_ text: String) -> String {
        text + String(repeating: " ", count: max(1, 44 - text.count))
    }

    private static func origin(_ origin: SettingOrigin, _ setting: any SettingDescribing) -> String {
        switch origin {
        case .file(let path, let line): "\(path):\(line)"
        case .environment: setting.variable
        case .commandLine: setting.flag
        }
    }

    /// A file that sets nothing, with each setting and what holds without it behind a `#`.
    static func commented() -> String {
        let head = """
            # Settings of Postern, in TOML (https://toml.io). Nothing is set here: what stands behind a # and a name is
            # what holds without it. Take the # away to set it.
            #
            # Each setting is also a flag of `postern serve` and a variable: max_body_bytes here is --max-body-bytes and
            # POSTERN_MAX_BODY_BYTES, which beat this file. Sizes take KiB, MiB, GiB; times take ms, s, m, h, d. Lists may
            # be written as ["a", "b"] or as "a,b", limits as { requests = "100/s:200", polls = 10 }.
            #
            # `postern config check FILE` tells what is wrong with it. A server that is told to reload (SIGHUP, systemctl
            # reload) takes up all but the settings that say "at the start".

            """
        let groups = Settings.groups.map { group in
            let settings = group.settings.map { setting in
                let comment = wrapped(setting.description + (setting.isLive ? "" : " (at the start)"))
                let line =
                    setting.hasDefaultValue
                    ? "#\(assignment(setting, setting.defaultText))" : "#\(setting.key) =    # \(setting.defaultText)"
                return comment + "\n" + line
            }
            return "## \(group.title)\n\n" + settings.joined(separator: "\n\n")
        }
        return head + "\n" + groups.joined(separator: "\n\n") + "\n"
    }

    /// All settings as a table in Markdown, one a group.
    static func reference() -> String {
        Settings.groups.map { group in
            let rows = group.settings.map { setting in
                let text = setting.description.split(separator: "|").joined(separator: "\\|")
                return "| `\(setting.key)` | \(text) | \(setting.defaultText) | \(setting.isLive ? "yes" : "") |"
            }
            return "### \(group.title)\n\n| setting | what it is | default | reload |\n|---|---|---|---|\n"
                + rows.joined(separator: "\n")
        }.joined(separator: "\n\n") + "\n"
    }

    /// `key = value`, the value as TOML has it.
    private static func assignment(_ setting: any SettingDescribing, _ text: String) -> String {
        if setting.choices == ["on", "off"] { return "\(setting.key) = \(text == "on" || text == "true")" }
        if Int(text) != nil, !setting.isPath { return "\(setting.key) = \(text)" }
        return "\(setting.key) = \(quoted(text))"
    }

    /// A basic string (TOML 1.0, "String").
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let hex = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    private static func wrapped(_ text: String) -> String {
        var lines: [String] = []
        var line = "#"
        for word in text.split(separator: " ") {
            if line.count + 1 + word.count > width {
                lines.append(line)
                line = "#"
            }
            line += " \(word)"
        }
        return (lines + [line]).joined(separator: "\n")
    }
}
