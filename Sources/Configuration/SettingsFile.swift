/// The configuration file: which setting has which text, and on which line.
struct SettingsFile {
    struct Line: Equatable, Sendable {
        var text: String
        var origin: SettingOrigin
    }

    /// By the settings' names.
    private(set) var lines: [String: Line] = [:]
    private(set) var problems: [SettingProblem] = []

    /// Reads all that can be read, and notes all that cannot.
    /// - Parameter path: as an operator named it.
    init(parsing bytes: Span<UInt8>, path: String, settings: [any SettingDescribing]) {
        do throws(TOMLDocument.SyntaxError) {
            let document = try TOMLDocument(parsing: bytes)
            for entry in document.entries { take(entry, .file(path: path, line: entry.line), settings) }
        } catch {
            let place = error.column > 0 ? " (column \(error.column))" : ""
            problems = [SettingProblem(.file(path: path, line: error.line), "", error.message + place)]
        }
    }

    private mutating func take(
        _ entry: TOMLDocument.Entry, _ origin: SettingOrigin, _ settings: [any SettingDescribing]
    ) {
        // A setting of pairs may be a table, its members one level down.
        let parts = entry.key.split(separator: ".", maxSplits: 1).map(String.init)
        if let setting = settings.first(where: { $0.key == entry.key }) {
            do throws(SettingRefusal) {
                lines[setting.name] = Line(text: try Self.text(entry.value, setting), origin: origin)
            } catch {
                problems.append(SettingProblem(origin, entry.key, error.message))
            }
        } else if parts.count == 2, let setting = settings.first(where: { $0.key == parts[0] && $0.layout == .pairs }) {
            takeMember(parts[1], entry, origin, setting)
        } else {
            problems.append(SettingProblem(origin, entry.key, Self.unknown(entry, settings)))
        }
    }

    /// `limit_address.requests = "10/s"` adds `requests=10/s`.
    private mutating func takeMember(
        _ member: String, _ entry: TOMLDocument.Entry, _ origin: SettingOrigin, _ setting: any SettingDescribing
    ) {
        let value: String
        switch entry.value {
        case .text(let text), .integer(let text): value = text
        default: return problems.append(SettingProblem(origin, entry.key, "a text or a whole number is wanted"))
        }
        var line = lines[setting.name] ?? Line(text: "", origin: origin)
        line.text += (line.text.isEmpty ? "" : ",") + "\(member)=\(value)"
        lines[setting.name] = line
    }

    private static func text(
        _ value: TOMLDocument.Value, _ setting: any SettingDescribing
    ) throws(SettingRefusal) -> String {
        switch value {
        case .text(let text), .integer(let text): return text
        case .truth(let flag): return flag ? "true" : "false"
        case .list(let texts) where setting.layout == .list:
            if let part = texts.first(where: { $0.contains(",") }) {
                throw SettingRefusal("a comma cannot be part of '\(part)'")
            }
            return texts.joined(separator: ",")
        case .list: throw SettingRefusal("one value is wanted, not a list")
        case .emptyTable: throw SettingRefusal("a value is wanted, not a table")
        case .other(let what): throw SettingRefusal("a text or a whole number is wanted, not \(what)")
        }
    }

    private static func unknown(_ entry: TOMLDocument.Entry, _ settings: [any SettingDescribing]) -> String {
        // Flags' hyphens, and tables where there are none, are the likeliest slips.
        let flattened = String(entry.key.map { $0 == "-" || $0 == "." ? "_" : $0 })
        guard let nearest = Spelling.nearest(to: flattened, among: settings.map(\.key)) else {
            return "there is no such setting; see: postern config default"
        }
        return "there is no such setting; did you mean \(nearest)?"
    }
}
