import Arenas
import Clients
import HTTP
import Synchronization
import Telemetry

/// What is told of a request that was answered.
struct AccessEntry: Sendable {
    var operation: Operation
    var method: Method
    var status: Int
    /// Without its query, which may hold a token; empty where it is not known any more.
    var path: [UInt8]
    var bodyBytes: Int
    var replyBytes: Int
    var nanoseconds: UInt64
    var address: ClientAddress
    var requestID: [UInt8]
    /// What logs call the bearer of its token.
    var principal: String?
}

/// The log of requests: one in so many, and every answer of 500 and above. Loops hand entries over and do not wait; a thread
/// of its own writes them.
final class AccessLog: Sendable {
    /// Entries that may wait to be written: a second's worth of a busy server.
    private static let capacity = 65_536
    /// Longest path that is shown.
    static let pathBytes = 512

    private let every: Int
    private let queue: EntryQueue<AccessEntry>

    /// - Parameter every: one in so many is told.
    init(every: Int) {
        self.every = every
        let logger = Logger(label: "access")
        queue = EntryQueue(capacity: Self.capacity) { entry in
            var fields: Logger.Metadata = [
                "route": "\(entry.operation.name)", "method": "\(entry.method.name)",
                "status": .stringConvertible(entry.status), "request_bytes": .stringConvertible(entry.bodyBytes),
                "reply_bytes": .stringConvertible(entry.replyBytes),
                "microseconds": .stringConvertible(entry.nanoseconds / 1000),
                "address": .string(Self.text(entry.address)),
            ]
            if !entry.path.isEmpty { fields["path"] = .string(String(decoding: entry.path, as: UTF8.self)) }
            if !entry.requestID.isEmpty {
                fields["request_id"] = .string(String(decoding: entry.requestID, as: UTF8.self))
            }
            if let principal = entry.principal { fields["principal"] = .string(principal) }
            logger.info("request", metadata: fields)
        }
    }

    private static func text(_ address: ClientAddress) -> String {
        var text = OutputBuffer(capacity: 48)
        address.write(to: &text)
        return String(decoding: (0..<text.count).map { text.span[$0] }, as: UTF8.self)
    }

    /// Whether the request of this number, counted by its loop, is to be told.
    func tells(_ number: UInt64, status: Int) -> Bool { status >= 500 || number % UInt64(every) == 0 }

    func append(_ entry: AccessEntry) { queue.append(entry) }
    func start() { queue.start() }
    func end() { queue.end() }
    var lostTotal: Int { queue.lostTotal }
}
