import Configuration
import Glibc

/// Where a server's settings come from: flags, the environment, and a file that is read anew at each `gather`.
struct SettingSources: Sendable {
    let flags: [String: String]
    let environment: [String: String]
    /// As an operator named it; nil for none.
    let path: String?

    init(_ flags: ServerFlags) {
        self.flags = flags.given
        let variables = Environment.all()
        environment = variables.merging(ServiceCredentials.variables(of: variables)) { given, _ in given }
        path = flags.config ?? environment["POSTERN_CONFIG"]
    }

    /// A file alone.
    init(path: String) {
        flags = [:]
        environment = [:]
        self.path = path
    }

    /// Puts together what is set now.
    /// - Returns: what can be read, and all that is wrong with each value on its own.
    func gather() -> (values: SettingValues, problems: [SettingProblem]) {
        var sources = SettingValues.Sources(file: nil, environment: environment, flags: flags)
        var problems: [SettingProblem] = []
        if let path {
            do throws(SettingProblem) {
                sources.file = (path, try Self.contents(path))
            } catch {
                problems.append(error)
            }
        }
        let gathered = SettingValues.gather(
            sources, for: Settings.all, ignoring: Settings.otherVariables)
        return (gathered.values, problems + gathered.problems)
    }

    /// A file of settings has some kilobytes; another one was named by mistake.
    private static let maximumBytes = 1 << 20

    // unsafe: passes the array's memory to the system for the length of each call.
    private static func contents(_ path: String) throws(SettingProblem) -> [UInt8] {
        func problem(_ message: String) -> SettingProblem {
            SettingProblem(.file(path: path, line: 0), "", message)
        }
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw problem(SystemText.error(errno)) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = unsafe read(descriptor, &piece, piece.count)
            if count == 0 { return bytes }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw problem(SystemText.error(errno))
            }
            bytes += piece[0..<count]
            guard bytes.count <= maximumBytes else { throw problem("at most \(maximumBytes) bytes are taken") }
        }
    }
}
