import Glibc

/// Options from the environment: `POSTERN_LISTEN=…` stands for `--listen …`. What stands on the command line wins.
enum Environment {
    /// The variable that stands for an option: `--max-body-bytes` is `POSTERN_MAX_BODY_BYTES`.
    static func variable(for option: String) -> String {
        "POSTERN_" + option.drop { $0 == "-" }.map { $0 == "-" ? "_" : $0.uppercased() }.joined()
    }

    /// `arguments` with an option for each variable that is set and not overridden.
    static func applied(to arguments: [String], options: [String]) -> [String] {
        var added: [String] = []
        for option in options where !arguments.contains(where: { $0 == option || $0.hasPrefix(option + "=") }) {
            if let value = value(of: variable(for: option)) { added += [option, value] }
        }
        return arguments + added
    }

    // unsafe: getenv returns a C string; it is copied at once.
    private static func value(of variable: String) -> String? {
        guard let text = unsafe getenv(variable) else { return nil }
        return unsafe String(cString: text)
    }
}
