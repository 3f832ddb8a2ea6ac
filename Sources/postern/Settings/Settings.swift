import Configuration

/// All that an operator may set of a server, in the order that help and files show it.
///
/// Each is declared in its group's file, once; its flag stands in the option group of the same name.
enum Settings {
    static let groups = [network, access, limits, storage, streams, memory, general]
    static let all = groups.flatMap(\.settings)

    /// Variables of that prefix that mean something else: the file's own, and the clients'.
    static let otherVariables: Set<String> = [
        "POSTERN_CONFIG", "POSTERN_URL", "POSTERN_TOKEN", "POSTERN_TOKEN_FILE", "POSTERN_CACERT", "POSTERN_BINARY",
    ]
}
