import PubSub

/// What a `settings` record holds behind its topic: 56 bytes.
extension TopicSettingsRecord {
    static let byteCount = 56

    func write(to block: Block, at offset: Int) {
        block.store(createdMicroseconds, at: offset)
        block.store(lostThrough, at: offset + 8)
        block.store(UInt64(retention == nil ? 0 : 1), at: offset + 16)
        block.store(retention?.ageMicroseconds ?? -1, at: offset + 24)
        block.store(Int64(retention?.bytes ?? -1), at: offset + 32)
        block.store(Int64(retention?.count ?? -1), at: offset + 40)
        block.store(UInt64(0), at: offset + 48)
    }

    /// Nil where a record does not hold them, or holds what no log writes.
    init?(parsing block: Block, at offset: Int, byteCount: Int) {
        guard byteCount >= Self.byteCount else { return nil }
        func bound(_ at: Int) -> Int64? {
            let value = block.load(offset + at, as: Int64.self)
            return value < 0 ? nil : value
        }
        let policy = RetentionPolicy(
            ageMicroseconds: bound(24), bytes: bound(32).map { Int($0) }, count: bound(40).map { Int($0) })
        self.init(
            createdMicroseconds: block.load(offset), lostThrough: block.load(offset + 8),
            retention: block.load(offset + 16, as: UInt64.self) & 1 == 1 ? policy : nil)
        guard lostThrough <= LogFormat.maximumSequence,
            (0...LogFormat.latestMicroseconds).contains(createdMicroseconds)
        else { return nil }
    }
}
