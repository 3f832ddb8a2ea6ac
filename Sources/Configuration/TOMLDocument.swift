import CTOML

/// A TOML file's keys and values, laid out flat. A plain value, of any thread.
struct TOMLDocument: Sendable {
    struct Entry: Sendable, Equatable {
        /// The keys from the outermost table on, joined by dots.
        var key: String
        var value: Value
        /// Where the key stands, from 1.
        var line: Int
    }

    enum Value: Sendable, Equatable {
        case text(String)
        case integer(String)
        case truth(Bool)
        case list([String])
        /// A table without entries.
        case emptyTable
        /// What no setting takes, in words: "a date or time".
        case other(String)
    }

    /// Why a file is no TOML.
    struct SyntaxError: Error, Equatable {
        var message: String
        var line: Int
        var column: Int
    }

    /// In the order of their lines.
    let entries: [Entry]

    /// - Throws: the first place where `bytes` are no TOML 1.0.
    init(parsing bytes: Span<UInt8>) throws(SyntaxError) {
        // unsafe: the document is C++'s; its texts are copied out before it is freed.
        let document = unsafe bytes.withUnsafeBytes { bytes in
            unsafe postern_toml_read(bytes.bindMemory(to: CChar.self).baseAddress, bytes.count)
        }
        guard let document = unsafe document else { throw SyntaxError(message: "out of memory", line: 0, column: 0) }
        defer { unsafe postern_toml_free(document) }
        var line: UInt32 = 0
        var column: UInt32 = 0
        let message = unsafe Self.string(postern_toml_error(document, &line, &column))
        guard message.isEmpty else { throw SyntaxError(message: message, line: Int(line), column: Int(column)) }
        var entries: [Entry] = []
        for index in 0..<(unsafe postern_toml_count(document)) {
            entries.append(unsafe Self.entry(postern_toml_at(document, index)))
        }
        self.entries = entries
    }

    private static func entry(_ entry: postern_toml_entry) -> Entry {
        let texts = unsafe (0..<entry.text_count).map { unsafe string(entry.texts[$0]) }
        let first = texts.first ?? ""
        let value: Value =
            switch unsafe entry.kind {
            case POSTERN_TOML_STRING: .text(first)
            case POSTERN_TOML_INTEGER: .integer(first)
            case POSTERN_TOML_BOOLEAN: .truth(first == "true")
            case POSTERN_TOML_LIST: .list(texts)
            case POSTERN_TOML_EMPTY_TABLE: .emptyTable
            default: .other(first)
            }
        return unsafe Entry(key: string(entry.key), value: value, line: Int(entry.line))
    }

    private static func string(_ text: postern_toml_text) -> String {
        let bytes = unsafe UnsafeRawBufferPointer(start: text.bytes, count: text.count)
        return unsafe String(decoding: bytes, as: UTF8.self)
    }
}
