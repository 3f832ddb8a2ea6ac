/// A message's place in the log: its segment's number and its offset there. Places grow as sequence numbers do.
struct Location: BitwiseCopyable, Comparable {
    var rawValue: UInt64

    /// No place; segment numbers begin at 1.
    static let none = Location(rawValue: 0)

    init(rawValue: UInt64) { self.rawValue = rawValue }
    init(segment: UInt64, offset: Int) { rawValue = segment << 32 | UInt64(offset) }

    var segment: UInt64 { rawValue >> 32 }
    var offset: Int { Int(rawValue & 0xFFFF_FFFF) }

    static func < (a: Location, b: Location) -> Bool { a.rawValue < b.rawValue }
}

/// What stands before each message's bytes in a segment: one cache line.
///
/// `previous`, `next` and `jump` link the messages of one topic. `jump` reaches further back so that the first
/// message behind any position is found in O(log n) steps (Myers, "An applicative random-access stack", 1983).
struct Record: BitwiseCopyable {
    /// Bytes before the message's own.
    static let headerBytes = 64
    /// `expiresMicroseconds` of a message that was taken back.
    static let void = Int64.min

    var sequence: UInt64
    var timeMicroseconds: Int64
    /// When the message may no longer be read; `.max` for never.
    var expiresMicroseconds: Int64
    var previous: Location
    var jump: Location
    var next: Location
    var topic: UInt32
    var byteCount: UInt32
    /// How many messages of the topic `jump` goes back.
    var jumpSpan: UInt32
    /// Where in the message its attributes stand; 0 where it has none.
    var attributesOffset: UInt32

    /// Bytes a message takes in a segment, header and alignment included.
    static func storedBytes(for byteCount: Int) -> Int { (headerBytes + byteCount + 7) & ~7 }
}
