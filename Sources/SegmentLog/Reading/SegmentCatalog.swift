import PubSub

/// All sealed segments, oldest first.
struct SegmentCatalog {
    private(set) var segments: [SealedSegment] = []
    private(set) var fileBytes = 0

    init(_ segments: [SealedSegment] = []) {
        self.segments = segments
        fileBytes = segments.reduce(0) { $0 + $1.fileBytes }
    }

    var first: SealedSegment? { segments.first }
    var lastSequence: UInt64 { segments.last?.lastSequence ?? 0 }

    mutating func append(_ segment: SealedSegment) {
        segments.append(segment)
        fileBytes += segment.fileBytes
    }

    mutating func removeFirst() {
        fileBytes -= segments.removeFirst().fileBytes
    }

    /// Puts a segment in the place of the one that it was made from.
    mutating func replace(_ name: SegmentName, with segment: SealedSegment) {
        guard let index = segments.firstIndex(where: { $0.name == name }) else { return }
        fileBytes += segment.fileBytes - segments[index].fileBytes
        segments[index] = segment
    }

    /// The first segment that has messages behind `position`.
    /// - Parameter orLosses: whether one will do that only knows of messages that are lost.
    func segment(behind position: UInt64, orLosses: Bool = false) -> SealedSegment? {
        first(orLosses: orLosses) { $0.lastSequence <= position }
    }

    /// The first segment whose newest message is not older than `microseconds`.
    func segment(notBefore microseconds: Int64) -> SealedSegment? {
        first(orLosses: false) { $0.lastMicroseconds < microseconds }
    }

    /// The first that has messages behind those that are `before`, which stand in front of all others.
    private func first(orLosses: Bool, _ before: (borrowing SealedSegment) -> Bool) -> SealedSegment? {
        var low = 0
        var high = segments.count
        while low < high {
            let middle = (low + high) / 2
            if before(segments[middle]) { low = middle + 1 } else { high = middle }
        }
        while low < segments.count, segments[low].messageCount == 0, !(orLosses && segments[low].hasLosses) { low += 1 }
        return low < segments.count ? segments[low] : nil
    }
}
