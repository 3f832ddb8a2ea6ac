import Arenas
import PubSub

/// What a start found in a log's directory.
public struct RecoveryReport: Equatable, Sendable {
    public var segments = 0
    public var messages = 0
    /// Segments that had no index, as the last start did not end in order.
    public var recoveredSegments = 0
    /// Bytes of appends that were under way and never acknowledged.
    public var tornBytes = 0
    /// Ranges of messages that cannot be read, as (segment, first, last).
    public var damage: [Damage] = []
    public var seconds = 0.0

    public struct Damage: Equatable, Sendable {
        public var segment: String
        public var first: UInt64
        public var last: UInt64
    }
}

/// The state that a start goes on from.
struct RecoveredLog: ~Copyable {
    var log: LogState
    var catalog: SegmentCatalog
    var report: RecoveryReport

    consuming func makeState(staging: StagingBuffer, spare: StagingBuffer) -> DurableState {
        DurableState(log: log, catalog: catalog, staging: staging, spare: spare)
    }
}

/// Why a log cannot be opened, in words for an operator.
public enum OpenError: Error, Equatable, Sendable, CustomStringConvertible {
    case missing(String)
    case notADirectory(String)
    case notAllowed(String)
    case inUse(String)
    case notALog(String)
    case newerVersion(String, UInt32)
    case damagedIdentity(String)
    case tooManyTopics(limit: Int)
    case failed(String, call: String, file: String, number: Int32)

    public var description: String {
        switch self {
        case .missing(let path): "\(path): there is no such directory; make it first (mkdir -p)"
        case .notADirectory(let path): "\(path) is no directory"
        case .notAllowed(let path): "\(path) cannot be written by this user (see: ls -ld \(path))"
        case .inUse(let path): "\(path) is in use by another process (see: fuser -v \(path)/lock)"
        case .notALog(let path): "\(path) has files that are no log's; an empty directory is wanted"
        case .newerVersion(let path, let version):
            "\(path) was written by a later release (format \(version); this one reads up to \(LogFormat.version))"
        case .damagedIdentity(let path):
            "\(path)/identity is damaged; without it the log cannot be read: restore it from a backup"
        case .tooManyTopics(let limit):
            "the log has more topics than may be (--max-topics is \(limit))"
        case .failed(let path, let call, let file, let number):
            "\(path)\(file.isEmpty ? "" : "/" + file): \(call): \(ErrorText.text(number))"
        }
    }
}
