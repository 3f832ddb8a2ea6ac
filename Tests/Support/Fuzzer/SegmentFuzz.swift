// The formats are the log's own matter: only scripts/fuzz.sh builds it so that they can be reached from outside.
#if FUZZING
    import Arenas
    import PubSub
    @testable import SegmentLog
    @testable import SimulatedStorage

    /// Takes any bytes for the records of a segment, or for its trailer, with checksums that are right, opens the log that
    /// has it, and traps where a promise breaks: it opens or says why not, what it serves is in order and inside the
    /// file, and after one start the next finds the same.
    func fuzzSegment(_ bytes: Span<UInt8>) {
        guard bytes.count > 1 else { return }
        let storage = SimulatedStorage(seed: 1)
        guard let first = openLog(storage) else { preconditionFailure("an empty log does not open") }
        guard let tag = firstTag(storage) else { return }
        first.finish()
        storage.kill()
        let name = SegmentName(firstSequence: 1, generation: 0).text
        write(records(bytes.extracting(1..<bytes.count), tag), name, storage)
        guard let once = readAll(storage) else { return }
        guard let twice = readAll(storage) else { preconditionFailure("a log that opened does not open again") }
        precondition(once == twice, "a second start finds something else")
        if bytes[0] & 1 == 1 { spoilTrailer(bytes, name, storage) }
        _ = readAll(storage)
        if let inspection = try? LogInspection(storage: storage, path: "") {
            try? inspection.verify { _ in }
            try? inspection.repair { _ in }
            _ = try? inspection.dump { _, _ in }
        }
        _ = readAll(storage)
    }

    private func openLog(_ storage: SimulatedStorage) -> SegmentLog? {
        var configuration = SegmentLogConfiguration()
        configuration.smallSegmentBytes = 8192
        configuration.stagingBytes = 64 << 10
        configuration.retention.bytes = nil
        return try? SegmentLog.open(
            storage: storage, path: "", configuration: configuration, observer: nil, clock: { 1_000_000_000 }
        ).log
    }

    private func firstTag(_ storage: SimulatedStorage) -> UInt32? {
        let block = Block(capacity: 4096)
        guard let bytes = storage.bytes(of: LogIdentity.fileName) else { return nil }
        block.store(bytes.span, at: 0)
        return (try? LogIdentity(parsing: block, byteCount: bytes.count))?.tag
    }

    private func write(_ block: Block, _ name: String, _ storage: SimulatedStorage) {
        try? storage.remove(name)
        guard let file = try? storage.open(name, creating: true) else { return }
        try? storage.write(file, at: 0, from: block, 0..<block.capacity)
        storage.close(file)
    }

    /// The bytes as records whose tags, lengths and checksums hold.
    private func records(_ bytes: Span<UInt8>, _ tag: UInt32) -> Block {
        let block = Block(capacity: SegmentHeader.byteCount + bytes.count + 4096)
        block.store(bytes, at: SegmentHeader.byteCount)
        var offset = SegmentHeader.byteCount
        let end = SegmentHeader.byteCount + bytes.count
        while offset + RecordHeader.byteCount <= end {
            let claimed = Int(block.load(offset + 4, as: UInt32.self) & 0x3FF)
            let count = min(max(claimed, RecordHeader.byteCount), end - offset)
            block.store(UInt32(count), at: offset + 4)
            block.store(tag, at: offset + 60)
            block.store(block.checksum(offset + 4..<offset + count), at: offset)
            offset += RecordHeader.padded(count)
        }
        return block
    }

    /// Writes the input over the trailer of a sealed segment, and has its checksum hold.
    private func spoilTrailer(_ bytes: Span<UInt8>, _ name: String, _ storage: SimulatedStorage) {
        guard let sealed = storage.bytes(of: name), sealed.count > SealedSegment.trailerBytes else { return }
        let block = Block(capacity: sealed.count)
        block.store(sealed.span, at: 0)
        let trailer = sealed.count - SealedSegment.trailerBytes
        for index in 0..<min(bytes.count - 1, 76) { block.store(bytes[index + 1], at: trailer + 16 + index) }
        block.store(block.checksum(trailer..<trailer + 124), at: trailer + 124)
        guard let file = try? storage.open(name, creating: false) else { return }
        try? storage.write(file, at: 0, from: block, 0..<sealed.count)
        storage.close(file)
    }

    /// Opens the log and reads all of it, by all ways.
    private func readAll(_ storage: SimulatedStorage) -> [UInt64]? {
        guard let log = openLog(storage) else { return nil }
        defer {
            log.finish()
            storage.kill()
        }
        let reader = log.makeReader()
        var found: [UInt64] = []
        for selection in ["**", "a"] {
            let text = Array(selection.utf8)
            var position: UInt64 = 0
            for _ in 0..<64 {
                let target: ReadTarget = selection == "a" ? .name(text.span) : .pattern(text.span)
                let request = ReadRequest(
                    start: .after(position), limit: 10, maximumBytes: 4096, skipsGaps: true,
                    nowMicroseconds: 1_000_000_000)
                guard let outcome = try? reader.read(target, request, { _ in }) else { break }
                precondition(outcome.next >= position, "a read that goes back")
                if outcome.count == 0, outcome.lostThrough == nil { break }
                if selection == "**" { found.append(outcome.next) }
                if outcome.next == position { break }
                position = outcome.next
            }
        }
        let since = ReadRequest(
            start: .since(microseconds: 5), limit: 10, maximumBytes: 4096, nowMicroseconds: 1_000_000_000)
        let all = Array("**".utf8)
        _ = try? reader.read(.pattern(all.span), since, { _ in })
        return found
    }
#endif
