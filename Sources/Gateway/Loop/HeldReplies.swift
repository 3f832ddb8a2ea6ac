import Arenas
import EventLoop
import HTTP
import PubSub

/// Replies that wait until what they tell is on disk: first in, first out, as a log settles its changes in order.
struct HeldReplies: ~Copyable {
    private var entries: [HeldReply] = []
    private var head = 0
    private var bytes = OutputBuffer(capacity: 4096)
    private var bytesHead = 0
    /// The newest that is awaited.
    private(set) var lastCommit = Commit.none

    /// Room kept while nothing is held.
    private static let keptBytes = 256 << 10
    /// Places and bytes at the front that are done with before the rest is moved over them.
    private static let compactedEntries = 1024
    private static let compactedBytes = 64 << 10

    var isEmpty: Bool { head == entries.count }
    var first: HeldReply? { isEmpty ? nil : entries[head] }

    /// - Parameter range: where in `output` the reply's text stands.
    mutating func append(_ reply: HeldReply, _ output: borrowing OutputBuffer, _ range: Range<Int>) {
        var reply = reply
        reply.byteCount = range.count
        lastCommit = max(lastCommit, reply.commit)
        reply.commit = lastCommit
        entries.append(reply)
        bytes.append(contentsOf: output.span.extracting(range))
    }

    /// The first reply's text.
    var firstText: Span<UInt8> {
        @_lifetime(borrow self)
        borrowing get { bytes.span.extracting(bytesHead..<bytesHead + entries[head].byteCount) }
    }

    mutating func removeFirst() {
        bytesHead += entries[head].byteCount
        head += 1
        if isEmpty {
            entries.removeAll(keepingCapacity: true)
            head = 0
            bytes.removeAll()
            bytesHead = 0
            if bytes.reservedBytes > Self.keptBytes { bytes.shrink(to: Self.keptBytes) }
        } else if head >= Self.compactedEntries, head >= entries.count / 2 {
            entries.removeFirst(head)
            head = 0
        }
        if bytesHead >= Self.compactedBytes, bytesHead >= bytes.count / 2 {
            bytes.removeFirst(bytesHead)
            bytesHead = 0
        }
    }
}

/// One of them.
struct HeldReply {
    var connection: ConnectionID
    var commit: Commit
    /// It tells that something is stored; otherwise it only stands behind one that does.
    var isReceipt = false
    /// The connection ends behind it.
    var closes = false
    var byteCount = 0
    var operation = Operation.none
    var method = Method.other
    var status: UInt16 = 0
    var startedNanoseconds: UInt64 = 0
    /// Where it is kept what the log of requests is told.
    var accessEntry = Exchange.none
}
