/// A segment's file name: its first sequence number, and how many segments began there before it.
struct SegmentName: Comparable, Hashable {
    var firstSequence: UInt64
    var generation: UInt32

    static let ending = ".segment"

    var text: String { Self.padded(firstSequence, 20) + "-" + Self.padded(UInt64(generation), 4) + Self.ending }

    private static func padded(_ number: UInt64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    init(firstSequence: UInt64, generation: UInt32) {
        self.firstSequence = firstSequence
        self.generation = generation
    }

    init?(_ text: String) {
        guard text.hasSuffix(Self.ending) else { return nil }
        let parts = text.dropLast(Self.ending.count).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, let first = UInt64(parts[0]), let generation = UInt32(parts[1]) else { return nil }
        self.init(firstSequence: first, generation: generation)
        guard self.text == text else { return nil }
    }

    static func < (a: SegmentName, b: SegmentName) -> Bool {
        (a.firstSequence, a.generation) < (b.firstSequence, b.generation)
    }
}
