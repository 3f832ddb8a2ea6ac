import Arenas
import EventLoop
import HTTP

/// Bodies that arrive in pieces. They are gathered in the arena that the request is then decoded in.
extension LoopCore {
    /// Leases an arena for a request whose body is still to come, and takes the head and what is there of the body.
    /// - Returns: how many bytes were used up.
    mutating func takeBody(
        _ id: ConnectionID, _ head: RequestHead, _ length: Int?, _ bytes: Span<UInt8>, _ admission: Admission
    ) -> Int {
        let index = Int(id.index)
        do throws(APIProblem) {
            let slot = incoming.take { IncomingRequest() }
            exchanges[index].incoming = slot
            exchanges[index].phase = .body
            incoming[slot].admission = admission
            incoming[slot].origin = replies.origin
            incoming[slot].headBytes = head.byteCount
            incoming[slot].bodyBytes = 0
            incoming[slot].receivedBytes = 0
            incoming[slot].remaining = length ?? 0
            incoming[slot].chunks = head.isChunked ? ChunkedDecoder() : nil
            incoming[slot].leasedNanoseconds = loop.nowNanoseconds
            try lease(
                slot, head: bytes.extracting(0..<head.byteCount),
                expectedBytes: Self.firstRoom(head, length, bytes.count))
        } catch {
            dropIncoming(index)
            exchanges[index].phase = .head
            writeProblem(id, error.with { $0.closesConnection = true }, .none, head)
            return bytes.count
        }
        loop.setDeadline(id, milliseconds: live.configuration.bodyTimeoutMilliseconds)
        if head.expectsContinue, bytes.count == head.byteCount {
            replies.output.append(ResponseWriter.continueResponse)
        }
        return head.byteCount
    }

    /// Room for what is there and as much again; more comes as the body does. What a client only claims to send must not
    /// take memory from those who do.
    private static func firstRoom(_ head: RequestHead, _ length: Int?, _ available: Int) -> Int {
        let claimed = head.byteCount + (length ?? trustedBytes)
        return min(claimed, max(trustedBytes, available * 2))
    }

    /// What is leased on a client's word.
    private static let trustedBytes = 12 << 10

    private mutating func lease(_ slot: UInt32, head: Span<UInt8>, expectedBytes: Int) throws(APIProblem) {
        let lease: ArenaLease
        do throws(ArenaPoolError) { lease = try pool.acquire(expectedBytes: expectedBytes, isLasting: true) } catch {
            throw .overloaded("all memory for requests is in use")
        }
        incoming[slot].bytes = try Self.begin(head, expectedBytes, lease.arena)
        incoming[slot].lease = consume lease
    }

    private static func begin(
        _ head: Span<UInt8>, _ expectedBytes: Int, _ arena: borrowing ScopedArena
    ) throws(APIProblem) -> ArenaBuffer.Suspended {
        var buffer = ArenaBuffer(in: arena, capacity: expectedBytes)
        buffer.append(contentsOf: head)
        do throws(ArenaError) { return try buffer.suspend() } catch { throw .from(error) }
    }

    /// The rest has so much time as there was at first, and more for what came: a body that drips is cut off however long
    /// it is, and a large one over a slow line is not.
    private func extendDeadline(_ id: ConnectionID, _ slot: UInt32) {
        let earned = incoming[slot].receivedBytes * 1000 / live.configuration.minimumBodyBytesPerSecond
        let spent = Int((loop.nowNanoseconds &- incoming[slot].leasedNanoseconds) / 1_000_000)
        loop.setDeadline(id, milliseconds: live.configuration.bodyTimeoutMilliseconds + earned - spent)
    }

    /// What became of a piece of a body.
    private enum BodyStep {
        case more(used: Int, ArenaBuffer.Suspended)
        case served(used: Int)
        case refused(APIProblem)
    }

    /// Takes more of a body; serves the request once it is complete.
    /// - Returns: how many bytes were used up.
    mutating func continueBody(_ id: ConnectionID, _ bytes: Span<UInt8>) -> Int {
        let slot = exchanges[Int(id.index)].incoming
        guard let lease = incoming[slot].lease.take(), let suspended = incoming[slot].bytes else {
            preconditionFailure("a body without an arena")
        }
        replies.origin = incoming[slot].origin
        replies.standing = nil
        replies.nameRequest(nil)
        principal = incoming[slot].admission.principal
        switch takePiece(id, bytes, suspended, slot, lease.arena) {
        case .more(let used, let suspended):
            incoming[slot].bytes = suspended
            incoming[slot].lease = consume lease
            incoming[slot].receivedBytes += used
            extendDeadline(id, slot)
            return used
        case .served(let used):
            noteLease(lease, since: incoming[slot].leasedNanoseconds)
            dropIncoming(Int(id.index))
            return used
        case .refused(let problem):
            dropIncoming(Int(id.index))
            writeProblem(id, problem.with { $0.closesConnection = true }, .none, nil)
            return bytes.count
        }
    }

    private mutating func takePiece(
        _ id: ConnectionID, _ bytes: Span<UInt8>, _ suspended: ArenaBuffer.Suspended, _ slot: UInt32,
        _ arena: borrowing ScopedArena
    ) -> BodyStep {
        var buffer = ArenaBuffer(resuming: suspended, in: arena)
        let progress: (used: Int, isComplete: Bool)
        do throws(APIProblem) { progress = try append(bytes, to: &buffer, slot) } catch { return .refused(error) }
        do throws(ArenaError) {
            guard progress.isComplete else { return .more(used: progress.used, try buffer.suspend()) }
            serveGathered(id, try buffer.finish(), slot, arena)
            return .served(used: progress.used)
        } catch {
            return .refused(.from(error))
        }
    }

    /// Appends what belongs to the body.
    private mutating func append(
        _ bytes: Span<UInt8>, to buffer: inout ArenaBuffer, _ slot: UInt32
    ) throws(APIProblem) -> (used: Int, isComplete: Bool) {
        guard incoming[slot].chunks == nil else { return try appendChunks(bytes, to: &buffer, slot) }
        let count = min(incoming[slot].remaining, bytes.count)
        buffer.append(contentsOf: bytes.extracting(0..<count))
        incoming[slot].remaining -= count
        return (count, incoming[slot].remaining == 0)
    }

    private mutating func appendChunks(
        _ bytes: Span<UInt8>, to buffer: inout ArenaBuffer, _ slot: UInt32
    ) throws(APIProblem) -> (used: Int, isComplete: Bool) {
        guard var chunks = incoming[slot].chunks else { return (0, false) }
        defer { incoming[slot].chunks = chunks }
        var offset = 0
        while true {
            let step: ChunkedDecoder.Step
            do throws(HTTPError) { step = try chunks.decode(bytes, from: offset) } catch { throw .from(error) }
            switch step {
            case .data(let range):
                incoming[slot].bodyBytes += range.count
                guard incoming[slot].bodyBytes <= live.configuration.maximumBodyBytes else {
                    throw .payloadTooLarge(limit: live.configuration.maximumBodyBytes)
                }
                buffer.append(contentsOf: bytes.extracting(range))
                offset = range.upperBound
            case .needsMore: return (bytes.count, false)
            case .end(let consumed): return (consumed, true)
            }
        }
    }

    /// Serves a request whose body is complete. Its head is parsed again: the parser has seen others since.
    private mutating func serveGathered(
        _ id: ConnectionID, _ request: Span<UInt8>, _ slot: UInt32, _ arena: borrowing ScopedArena
    ) {
        exchanges[Int(id.index)].phase = .head
        let headBytes = incoming[slot].headBytes
        var position = ScanPosition()
        let bytes = request.extracting(0..<headBytes)
        guard case .head(let head)? = try? parser.parse(bytes, resume: &position) else {
            preconditionFailure("a head that was good is good again")
        }
        takeRequestID(bytes)
        dispatch(
            id, head, bytes, request.extracting(headBytes..<request.count), arena, incoming[slot].admission)
    }

    mutating func dropIncoming(_ index: Int) {
        let slot = exchanges[index].incoming
        guard slot != Exchange.none else { return }
        // Ends the lease; the arena is reset.
        incoming[slot].lease = nil
        incoming[slot].bytes = nil
        incoming.give(slot)
        exchanges[index].incoming = Exchange.none
        if exchanges[index].phase == .body { exchanges[index].phase = .head }
    }
}
