import PubSub

/// What a `scheduled` record holds behind its topic: 32 bytes, then the message as it will be delivered. When it is due
/// stands in the header, in the place of when it expires. An `unscheduled` record holds the number alone.
struct ScheduledPayload {
    static let byteCount = 32
    static let numberByteCount = 8

    var number: UInt64
    var timeToLiveMicroseconds: Int64
    var cursorOffset: Int
    var timeOffset: Int

    func write(to block: Block, at offset: Int) {
        block.store(number, at: offset)
        block.store(timeToLiveMicroseconds, at: offset + 8)
        block.store(UInt32(cursorOffset), at: offset + 16)
        block.store(UInt32(timeOffset), at: offset + 20)
        block.store(UInt64(0), at: offset + 24)
    }

    init(number: UInt64, timeToLiveMicroseconds: Int64, cursorOffset: Int, timeOffset: Int) {
        self.number = number
        self.timeToLiveMicroseconds = timeToLiveMicroseconds
        self.cursorOffset = cursorOffset
        self.timeOffset = timeOffset
    }

    /// Nil where a record does not hold one.
    init?(parsing block: Block, at offset: Int, byteCount: Int) {
        guard byteCount >= Self.byteCount else { return nil }
        number = block.load(offset)
        timeToLiveMicroseconds = block.load(offset + 8)
        cursorOffset = Int(block.load(offset + 16, as: UInt32.self))
        timeOffset = Int(block.load(offset + 20, as: UInt32.self))
        let room = byteCount - Self.byteCount
        guard number > 0, number <= LogFormat.maximumSequence, timeToLiveMicroseconds >= 0,
            timeToLiveMicroseconds <= LogFormat.latestMicroseconds, cursorOffset + Cursor.byteCount <= room,
            timeOffset + Timestamp.byteCount <= room
        else { return nil }
    }
}
