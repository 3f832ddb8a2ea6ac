/// The forms that settings of any server have.
extension SettingForm where Value == Int {
    public static func integer(_ range: ClosedRange<Int>) -> Self {
        number("n", "a whole number", range, ["": 1], String.init)
    }

    /// Bytes: `65536`, `64KiB`, `1MiB`, `2GiB`.
    public static func size(_ range: ClosedRange<Int>) -> Self {
        number("size", "a size", range, UnitText.byteUnits, UnitText.size)
    }

    /// A length of time, in milliseconds: `500ms`, `30s`, `10m`, `1h`, `7d`, or plain seconds.
    public static func time(_ range: ClosedRange<Int>) -> Self {
        number("time", "a time", range, UnitText.timeUnits, UnitText.time)
    }

    private static func number(
        _ valueName: String, _ what: String, _ range: ClosedRange<Int>, _ units: [String: Int],
        _ text: @escaping @Sendable (Int) -> String
    ) -> Self {
        let allowed = "\(text(range.lowerBound)) to \(text(range.upperBound))"
        return Self(
            valueName: valueName, range: allowed,
            read: { written throws(SettingRefusal) in
                guard let value = UnitText.value(written, units), range.contains(value) else {
                    throw SettingRefusal("\(what) from \(allowed) is wanted, not '\(written)'")
                }
                return value
            }, text: text)
    }
}

extension SettingForm where Value == Bool {
    /// `on` or `off`; a file may say `true` or `false` too.
    public static var toggle: Self {
        var form = Self(
            valueName: "on|off", range: nil,
            read: { written throws(SettingRefusal) in
                switch written {
                case "on", "true": return true
                case "off", "false": return false
                default: throw SettingRefusal("on or off is wanted, not '\(written)'")
                }
            }, text: { $0 ? "on" : "off" })
        form.choices = ["on", "off"]
        return form
    }
}

extension SettingForm where Value == String {
    public static func text(_ valueName: String) -> Self {
        Self(
            valueName: valueName,
            read: { written throws(SettingRefusal) in
                guard !written.isEmpty else { throw SettingRefusal("a text is wanted, not nothing") }
                return written
            }, text: { $0 })
    }

    public static func path(_ valueName: String = "file") -> Self {
        var form = text(valueName)
        form.isPath = true
        return form
    }
}

extension SettingForm where Value == [String] {
    /// Several texts, joined by commas.
    public static func list(_ valueName: String) -> Self {
        var form = Self(
            valueName: valueName,
            read: { written throws(SettingRefusal) in
                let parts = written.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
                guard !parts.contains("") else {
                    throw SettingRefusal("a list joined by commas is wanted, not '\(written)'")
                }
                return parts
            }, text: { $0.joined(separator: ",") })
        form.layout = .list
        return form
    }

    public static func paths(_ valueName: String = "file") -> Self {
        var form = list(valueName)
        form.isPath = true
        return form
    }
}

extension SettingForm where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    /// One of a few names.
    public static func choice(_ valueName: String) -> Self {
        let names = Value.allCases.map(\.rawValue)
        let last = names.last ?? ""
        let allowed = names.count > 1 ? names.dropLast().joined(separator: ", ") + " or " + last : last
        var form = Self(
            valueName: valueName, range: allowed,
            read: { written throws(SettingRefusal) in
                guard let value = Value(rawValue: written) else {
                    throw SettingRefusal("\(allowed) is wanted, not '\(written)'")
                }
                return value
            }, text: { $0.rawValue })
        form.choices = names
        return form
    }
}
