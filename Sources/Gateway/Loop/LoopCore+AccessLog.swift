import Arenas
import EventLoop
import HTTP

/// What the log of requests is told. Costs a comparison of a request where there is none.
extension LoopCore {
    /// Counts a request, and notes what is known of it at its reply, where it is one to be told.
    /// - Parameters:
    ///   - head: nil where it could not be read, or is not there any more.
    ///   - bytes: what the head's ranges point into; empty where that is not there any more.
    ///   - replyBytes: of its reply, as far as that is written.
    mutating func accessEntry(
        _ id: ConnectionID, _ operation: Operation, _ head: RequestHead?, _ bytes: Span<UInt8>, _ status: Int,
        bodyBytes: Int, replyBytes: Int
    ) -> AccessEntry? {
        guard let accessLog = shared.accessLog else { return nil }
        requestNumber &+= 1
        guard accessLog.tells(requestNumber, status: status) else { return nil }
        replies.nameRequest()
        let requestID = (0..<replies.requestID.count).map { replies.requestID.span[$0] }
        var entry = AccessEntry(
            operation: operation, method: head?.method ?? exchanges[Int(id.index)].method, status: status, path: [],
            bodyBytes: bodyBytes, replyBytes: replyBytes, nanoseconds: loop.exactNanoseconds &- loop.nowNanoseconds,
            address: clients[Int(id.index)].address, requestID: requestID, principal: principal?.identifier)
        guard let head, head.path.upperBound <= bytes.count else { return entry }
        entry.address = resolveAddress(id, head, bytes)
        let path = bytes.extracting(head.path)
        entry.path = (0..<min(path.count, AccessLog.pathBytes)).map { path[$0] }
        return entry
    }

    /// Tells it now, or keeps it until the poll that is parked is answered.
    mutating func tell(_ entry: AccessEntry?, _ id: ConnectionID) {
        guard let entry else { return }
        guard exchanges[Int(id.index)].phase == .parked else { return tell(entry) }
        exchanges[Int(id.index)].accessEntry = keep(entry)
    }

    /// - Returns: where it is kept.
    mutating func keep(_ entry: AccessEntry?) -> UInt32 {
        guard let entry else { return Exchange.none }
        let slot = keptEntries.take { nil }
        keptEntries[slot] = entry
        return slot
    }

    /// Tells what was kept, now that it is known what became of it.
    mutating func tellKept(_ slot: inout UInt32, _ status: Int, replyBytes: Int, nanoseconds: UInt64) {
        guard slot != Exchange.none else { return }
        var entry = keptEntries[slot].take()
        keptEntries.give(slot)
        slot = Exchange.none
        entry?.status = status
        entry?.replyBytes = replyBytes
        entry?.nanoseconds = nanoseconds
        if let entry { tell(entry) }
    }

    private func tell(_ entry: AccessEntry) { shared.accessLog?.append(entry) }
}
