import ArgumentParser
import Gateway
import SegmentLog

/// Reads option values and refuses what is out of range, naming the range.
enum OptionValues {
    static func integer(_ range: ClosedRange<Int>) -> @Sendable (String) throws -> Int {
        { text in
            guard let value = Int(text), range.contains(value) else {
                throw ValidationError("a whole number from \(range.lowerBound) to \(range.upperBound) is wanted")
            }
            return value
        }
    }

    /// A number of bytes: `65536`, `64KiB`, `1MiB`, `2GiB`.
    static func bytes(_ range: ClosedRange<Int>) -> @Sendable (String) throws -> Int {
        { text in
            guard let value = parse(text, byteUnits), range.contains(value) else {
                throw ValidationError(
                    "a size from \(sizeText(range.lowerBound)) to \(sizeText(range.upperBound)) is wanted")
            }
            return value
        }
    }

    /// A length of time in milliseconds: `500ms`, `30s`, `10m`, `1h`, `7d`, or plain seconds.
    static func milliseconds(_ range: ClosedRange<Int>) -> @Sendable (String) throws -> Int {
        { text in
            guard let value = parse(text, timeUnits), range.contains(value) else {
                throw ValidationError(
                    "a time from \(timeText(range.lowerBound)) to \(timeText(range.upperBound)) is wanted")
            }
            return value
        }
    }

    /// Several texts, joined by commas.
    @Sendable static func list(_ text: String) throws -> [String] {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard !parts.contains("") else { throw ValidationError("a list joined by commas is wanted") }
        return parts
    }

    /// `on` or `off`.
    @Sendable static func toggle(_ text: String) throws -> Bool {
        switch text {
        case "on": return true
        case "off": return false
        default: throw ValidationError("on or off is wanted")
        }
    }

    /// An address to listen on: `HOST:PORT`, `[IPV6]:PORT`.
    @Sendable static func listenAddress(_ text: String) throws -> ListenAddress {
        guard let address = ListenAddress(text) else {
            throw ValidationError("HOST:PORT is wanted, with a port from 0 to 65535")
        }
        return address
    }

    static func sizeText(_ bytes: Int) -> String {
        for (name, factor) in [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]
        where bytes >= factor && bytes % factor == 0 {
            return "\(bytes / factor)\(name)"
        }
        return "\(bytes)"
    }

    static func timeText(_ milliseconds: Int) -> String {
        for (name, factor) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)]
        where milliseconds >= factor && milliseconds % factor == 0 {
            return "\(milliseconds / factor)\(name)"
        }
        return "\(milliseconds)ms"
    }

    /// `sync`, `memory` or `interval=TIME`.
    static func durability(_ text: String) throws -> Durability {
        if text == "sync" { return .sync }
        if text == "memory" { return .memory }
        guard text.hasPrefix("interval=") else {
            throw ValidationError("sync, memory or interval=TIME (such as interval=50ms) is wanted")
        }
        return .interval(milliseconds: try milliseconds(1...3_600_000)(String(text.dropFirst(9))))
    }

    private static let byteUnits = [
        "": 1, "b": 1, "k": 1 << 10, "kib": 1 << 10, "m": 1 << 20, "mib": 1 << 20, "g": 1 << 30, "gib": 1 << 30,
    ]
    private static let timeUnits = ["ms": 1, "": 1000, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000]

    private static func parse(_ text: String, _ units: [String: Int]) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let number = Int(digits), let factor = units[text.dropFirst(digits.count).lowercased()] else {
            return nil
        }
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : product
    }
}
