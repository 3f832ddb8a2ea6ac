/// What the client commands end with. From 64 on the numbers are those of sysexits.h.
///
/// The manual page and the documentation have this table; a test holds them against it.
public enum ExitStatus: Int32, CaseIterable, Sendable {
    case ok = 0
    case unhealthy = 1
    case lost = 3
    case commandFailed = 4
    case usage = 64
    case refused = 65
    case input = 66
    case unknownHost = 68
    case unreachable = 69
    case noLibrary = 72
    case output = 74
    case tryLater = 75
    case notUnderstood = 76
    case notAllowed = 77
    case notTrusted = 78

    /// What it means, for people.
    public var meaning: String {
        switch self {
        case .ok: "all went well; an interrupt (SIGINT, SIGTERM) of a subscription too"
        case .unhealthy: "health: the server answers, and is not well or not ready"
        case .lost: "messages were lost to retention before they were read (--fail-on-gap), or bench missed some"
        case .commandFailed: "the command of --exec failed; its message is not counted as read"
        case .usage: "the command line is wrong"
        case .refused: "the server refused the request as it is"
        case .input: "a file or standard input cannot be read"
        case .unknownHost: "the server's name is not known"
        case .unreachable: "the server is not reached, or went away"
        case .noLibrary: "libcurl is not installed"
        case .output: "a file or standard output cannot be written"
        case .tryLater: "the server asks to try again later, or --timeout is over"
        case .notUnderstood: "the server's answer is none of Postern's"
        case .notAllowed: "no token, or one that does not allow this"
        case .notTrusted: "the server's certificate is not trusted, or a certificate cannot be used"
        }
    }
}

/// Why a command came to nothing: what to end with, and one line for whoever typed it.
public struct ClientFailure: Error, Equatable, Sendable, CustomStringConvertible {
    public var status: ExitStatus
    public var description: String
    /// How long the server asks to wait, in seconds.
    public var retryAfterSeconds: Int?

    public init(_ status: ExitStatus, _ description: String, retryAfterSeconds: Int? = nil) {
        self.status = status
        self.description = description
        self.retryAfterSeconds = retryAfterSeconds
    }

    /// Whether the same request may succeed a little later.
    public var isPassing: Bool {
        switch status {
        case .unreachable, .tryLater, .unknownHost: true
        default: false
        }
    }
}
