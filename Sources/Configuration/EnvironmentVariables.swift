/// Names of variables that look like a setting's and are none.
enum EnvironmentVariables {
    /// What all settings' variables begin with.
    static let prefix = "POSTERN_"

    /// Variables that begin as ours do and are near a setting's name, as problems. One that is near none is left alone:
    /// others may put variables of that kind there, as Kubernetes does for a service of that name.
    /// - Parameter known: those that are meant for something else.
    static func misspelt(
        _ environment: [String: String], _ settings: [any SettingDescribing], ignoring known: Set<String>
    ) -> [SettingProblem] {
        let names = settings.map(\.variable)
        return environment.keys.sorted().compactMap { variable in
            guard variable.hasPrefix(prefix), !known.contains(variable), !names.contains(variable),
                !isServiceLink(variable.dropFirst(prefix.count)),
                let nearest = Spelling.nearest(
                    to: String(variable.dropFirst(prefix.count)),
                    among: names.map { String($0.dropFirst(prefix.count)) })
            else { return nil }
            return SettingProblem(
                .environment, variable, "there is no such setting; did you mean \(prefix)\(nearest)?")
        }
    }

    /// `SERVICE_HOST`, `PORT_8080_TCP_ADDR` and the like: what Kubernetes tells of a service.
    private static func isServiceLink(_ name: Substring) -> Bool {
        name == "PORT" || name.hasPrefix("PORT_") || name.hasPrefix("SERVICE_")
    }
}
