import CLinux

/// The variables that the process was started with.
enum Environment {
    // unsafe: the environment is C's; it is copied before anything could change it.
    static func all() -> [String: String] {
        var variables: [String: String] = [:]
        var index: Int64 = 0
        while let entry = unsafe postern_environment_entry(index) {
            let text = unsafe String(cString: entry)
            if let equals = text.firstIndex(of: "=") {
                variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
            }
            index += 1
        }
        return variables
    }
}
