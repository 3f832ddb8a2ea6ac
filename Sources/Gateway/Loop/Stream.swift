import Access
import Arenas
import EventLoop

/// What a loop keeps of one stream beyond its waiter: a position in the log, and no message.
struct Stream {
    enum State: UInt8 {
        /// Has read all there was; served together with its group.
        case live
        /// Reads on its own, in the queue.
        case behind
        /// The client has yet to take what was sent last.
        case held
        /// Over, but still in the queue.
        case gone
    }

    var connection = ConnectionID(packed: 0)
    var state = State.live
    var endReason = StreamEnd.lifetime
    var next = StreamTable.none
    /// When something was last sent, and when the stream ends by itself; the loop's time.
    var sentMilliseconds: UInt64 = 0
    var endsMilliseconds = UInt64.max
    /// Whose token allows it; nil where none is asked for.
    var principal: Principal?
}

/// Why a stream ended.
enum StreamEnd: UInt8, CaseIterable {
    /// The client closed it.
    case client
    /// The client took nothing for too long.
    case stalled
    /// It was as old as a stream may be.
    case lifetime
    case drain
    /// Its token's time was over.
    case expired
    /// Its token is good no longer, or allows something else now.
    case revoked
    /// The server was stopped.
    case stopped

    var name: StaticString {
        switch self {
        case .client: "client"
        case .stalled: "stalled"
        case .lifetime: "lifetime"
        case .drain: "drain"
        case .expired: "token_expired"
        case .revoked: "token_revoked"
        case .stopped: "stopped"
        }
    }
}

/// The streams of one loop, and the queue of those that read on their own: first come, first served, one read a turn, so
/// that none that is far behind keeps the others waiting.
struct StreamTable: ~Copyable {
    static let none = UInt32.max

    private var streams = SlotPool<Stream>()
    private var firstBehind = StreamTable.none
    private var lastBehind = StreamTable.none

    subscript(slot: UInt32) -> Stream {
        _read { yield streams[slot] }
        _modify { yield &streams[slot] }
    }

    mutating func open(_ stream: Stream) -> UInt32 {
        let slot = streams.take { Stream() }
        streams[slot] = stream
        return slot
    }

    mutating func close(_ slot: UInt32) {
        // One that is queued is given back when its turn comes.
        streams[slot].principal = nil
        if streams[slot].state == .behind { streams[slot].state = .gone } else { streams.give(slot) }
    }

    var hasBehind: Bool { firstBehind != Self.none }

    mutating func queue(_ slot: UInt32) {
        streams[slot].state = .behind
        streams[slot].next = Self.none
        if lastBehind == Self.none { firstBehind = slot } else { streams[lastBehind].next = slot }
        lastBehind = slot
    }

    /// Takes the stream out that has waited longest.
    mutating func popBehind() -> UInt32? {
        while firstBehind != Self.none {
            let slot = firstBehind
            firstBehind = streams[slot].next
            if firstBehind == Self.none { lastBehind = Self.none }
            if streams[slot].state == .behind {
                streams[slot].state = .live
                return slot
            }
            streams.give(slot)
        }
        return nil
    }
}
