/// What `--version`, `/metrics` and the logs say.
enum Version {
    static let text = "0.1.0"
}
