extension MetricsText {
    /// `postern_build_info`: always 1, the labels tell what runs.
    /// - Parameter version: Postern's version.
    public mutating func buildInfo(version: String) {
        gauge(
            "postern_build_info", help: "The version of Postern that runs, and of the Swift that compiled it.",
            labels: [("version", version), ("swift_version", swiftVersion)], value: 1)
    }
}

/// The compiler's version, as far as the language lets a program ask for it.
private var swiftVersion: String {
    #if compiler(>=6.5)
        "6.5 or newer"
    #elseif compiler(>=6.4)
        "6.4"
    #elseif compiler(>=6.3.3)
        "6.3.3"
    #elseif compiler(>=6.3.2)
        "6.3.2"
    #elseif compiler(>=6.3.1)
        "6.3.1"
    #elseif compiler(>=6.3)
        "6.3"
    #else
        "6.2"
    #endif
}
