extension LogLine {
    func appendText(to bytes: inout [UInt8]) {
        time.append(to: &bytes)
        bytes.append(UInt8(ascii: " "))
        bytes.append(contentsOf: level.rawValue.utf8)
        bytes.append(UInt8(ascii: " "))
        if !label.isEmpty {
            bytes.appendLogString(label) { _ in false }
            bytes.append(": ")
        }
        appendMessage(to: &bytes)
    }

    /// The message and its fields, without what every line has.
    func appendMessage(to bytes: inout [UInt8]) {
        bytes.appendLogString(message) { _ in false }
        for (key, value) in sortedFields {
            bytes.append(UInt8(ascii: " "))
            Self.append(key, to: &bytes)
            bytes.append(UInt8(ascii: "="))
            Self.append(value.description, to: &bytes)
        }
    }

    /// In quotes where it could be taken for something else.
    private static func append(_ text: String, to bytes: inout [UInt8]) {
        if !text.isEmpty && !text.utf8.contains(where: { $0 == 0x20 || $0 == 0x22 || $0 == 0x3D || $0 == 0x5C }) {
            return bytes.appendLogString(text) { _ in false }
        }
        bytes.append(UInt8(ascii: "\""))
        bytes.appendLogString(text) { $0 == "\"" }
        bytes.append(UInt8(ascii: "\""))
    }
}
