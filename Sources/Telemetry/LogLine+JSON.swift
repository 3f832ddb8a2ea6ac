extension LogLine {
    /// Keys of the line itself. A field of such a name is shown as `metadata.NAME`, or the object would have it twice.
    private static let ownKeys: Set<String> = ["time", "level", "logger", "message"]
    private static let fieldPrefix = "metadata."

    func appendJSON(to bytes: inout [UInt8]) {
        bytes.append("{\"time\":\"")
        time.append(to: &bytes)
        bytes.append("\",\"level\":")
        Self.append(level.rawValue, to: &bytes)
        if !label.isEmpty {
            bytes.append(",\"logger\":")
            Self.append(label, to: &bytes)
        }
        bytes.append(",\"message\":")
        Self.append(message, to: &bytes)
        for (key, value) in sortedFields {
            bytes.append(UInt8(ascii: ","))
            // What has the prefix already gets it again, so that no two names become one.
            let renamed = Self.ownKeys.contains(key) || key.hasPrefix(Self.fieldPrefix)
            Self.append(renamed ? Self.fieldPrefix + key : key, to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            Self.append(value, to: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
    }

    private static func append(_ value: Logger.MetadataValue, to bytes: inout [UInt8]) {
        switch value {
        case .string(let text):
            append(text, to: &bytes)
        case .stringConvertible(let convertible):
            append(convertible, to: &bytes)
        case .array(let values):
            bytes.append(UInt8(ascii: "["))
            for (index, element) in values.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                append(element, to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .dictionary(let values):
            bytes.append(UInt8(ascii: "{"))
            for (index, (key, element)) in values.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                append(key, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                append(element, to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    /// Numbers and truth values as what they are in JSON, the rest by its description.
    private static func append(_ value: any CustomStringConvertible & Sendable, to bytes: inout [UInt8]) {
        switch value {
        case let number as any BinaryInteger: bytes.append(contentsOf: number.description.utf8)
        case let number as Double where number.isFinite: bytes.append(contentsOf: number.description.utf8)
        case let flag as Bool: bytes.append(flag ? "true" : "false" as StaticString)
        default: append(value.description, to: &bytes)
        }
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        bytes.appendLogString(text) { $0 == "\"" }
        bytes.append(UInt8(ascii: "\""))
    }
}
