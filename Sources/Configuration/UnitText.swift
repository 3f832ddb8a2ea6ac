/// Numbers with units, as people write them.
public enum UnitText {
    static let byteUnits = [
        "": 1, "b": 1, "k": 1 << 10, "kib": 1 << 10, "m": 1 << 20, "mib": 1 << 20, "g": 1 << 30, "gib": 1 << 30,
    ]
    static let timeUnits = ["ms": 1, "": 1000, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]

    /// Bytes with the largest unit that leaves a whole number: `1MiB`.
    public static func size(_ bytes: Int) -> String {
        text(bytes, [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]) ?? "\(bytes)"
    }

    /// Milliseconds with the largest unit that leaves a whole number: `90s`.
    public static func time(_ milliseconds: Int) -> String {
        guard milliseconds != 0 else { return "0s" }
        return text(milliseconds, [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)])
            ?? "\(milliseconds)ms"
    }

    private static func text(_ value: Int, _ units: [(String, Int)]) -> String? {
        for (name, factor) in units where value >= factor && value % factor == 0 { return "\(value / factor)\(name)" }
        return nil
    }

    /// What a text says in the smallest of `units`; nil where it is no such number, or more than can be counted.
    static func value(_ text: String, _ units: [String: Int]) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int(digits), let factor = units[text.dropFirst(digits.count).lowercased()] else {
            return nil
        }
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : product
    }
}
