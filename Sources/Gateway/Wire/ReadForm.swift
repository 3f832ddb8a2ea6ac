/// What a read was asked in, beyond what the log needs: it goes into what is written, and is kept with a waiter.
struct ReadForm: Equatable {
    /// One resource in three forms.
    enum Kind: UInt8, CaseIterable {
        /// One reply, perhaps after a wait.
        case poll
        /// `text/event-stream`.
        case eventStream
        /// `application/x-ndjson`: one message a line.
        case lines
    }

    var kind = Kind.poll
    /// How long an empty poll is parked; 0 to answer at once.
    var waitMilliseconds = 0
    var fate = ConnectionFate.staysOpen
    var skipsGaps = false
    /// A stream is sent in chunks; an HTTP/1.0 client knows none.
    var isChunked = true
    /// Whose page asked: an origin's number.
    var origin: UInt8 = 0

    init() {}

    /// The same as one number, for a waiter.
    var packed: UInt32 {
        UInt32(waitMilliseconds) | UInt32(fate.rawValue) << 16 | (skipsGaps ? 1 << 18 : 0)
            | UInt32(kind.rawValue) << 19 | (isChunked ? 1 << 21 : 0) | UInt32(origin) << 22
    }

    init(packed: UInt32) {
        waitMilliseconds = Int(packed & 0xFFFF)
        fate = ConnectionFate(rawValue: UInt8(packed >> 16 & 3)) ?? .closes
        skipsGaps = packed >> 18 & 1 == 1
        kind = Kind(rawValue: UInt8(packed >> 19 & 3)) ?? .poll
        isChunked = packed >> 21 & 1 == 1
        origin = UInt8(packed >> 22 & 63)
    }
}
