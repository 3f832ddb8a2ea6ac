import Arenas

/// A message that waits for its time.
package struct ScheduledMessage: Sendable {
    /// Its number, from 1 on, in the order of acceptance.
    package var number: UInt64
    package var dueMicroseconds: Int64
    /// Held until the message is delivered or taken back.
    package var topic: TopicID
    /// How long it may be read from its delivery on; 0 for as long as retention lets it.
    package var timeToLiveMicroseconds: Int64
    package var cursorOffset: Int
    package var timeOffset: Int
    /// Where its id goes once it is delivered; 0 where it has one.
    package var attributesOffset: Int
    /// The message as it will be delivered, but for its cursor and time.
    package var bytes: [UInt8]
    /// What was the newest sequence number when it was last written to disk.
    package var writtenBehind: UInt64 = 0

    package init(
        number: UInt64, dueMicroseconds: Int64, topic: TopicID, timeToLiveMicroseconds: Int64, cursorOffset: Int,
        timeOffset: Int, attributesOffset: Int, bytes: [UInt8], writtenBehind: UInt64 = 0
    ) {
        self.number = number
        self.dueMicroseconds = dueMicroseconds
        self.topic = topic
        self.timeToLiveMicroseconds = timeToLiveMicroseconds
        self.cursorOffset = cursorOffset
        self.timeOffset = timeOffset
        self.attributesOffset = attributesOffset
        self.bytes = bytes
        self.writtenBehind = writtenBehind
    }
}

/// Messages that wait for their time, the next due first: a binary heap. It allocates as it grows; a message that is
/// published at once never meets it.
package struct Schedule: ~Copyable {
    /// Most messages that wait, and most bytes of them: they stand in memory, on either log.
    package let maximumCount: Int
    package static let maximumBytes = 64 << 20
    /// Messages delivered in one go, so that many that are due at once do not keep a loop from its connections.
    package static let deliveriesAtOnce = 256

    private var heap: [ScheduledMessage] = []
    package private(set) var byteCount = 0
    /// The number of the newest.
    package var lastNumber: UInt64 = 0

    package init(maximumCount: Int) { self.maximumCount = maximumCount }

    package var count: Int { heap.count }
    /// The one that is due next.
    package var first: ScheduledMessage? { heap.first }

    func hasRoom(count: Int, bytes: Int) -> Bool {
        heap.count + count <= maximumCount && byteCount + bytes <= Self.maximumBytes
    }

    package mutating func insert(_ message: ScheduledMessage) {
        byteCount += message.bytes.count
        lastNumber = max(lastNumber, message.number)
        heap.append(message)
        var child = heap.count - 1
        while child > 0, Self.isBefore(heap[child], heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    package mutating func removeFirst() -> ScheduledMessage {
        byteCount -= heap[0].bytes.count
        heap.swapAt(0, heap.count - 1)
        let first = heap.removeLast()
        sink(0)
        return first
    }

    /// Takes out all that `goes`, and hands them to `body`.
    package mutating func removeAll(where goes: (ScheduledMessage) -> Bool, _ body: (ScheduledMessage) -> Void) {
        let all = heap
        heap = []
        byteCount = 0
        for message in all { if goes(message) { body(message) } else { insert(message) } }
    }

    /// Changes what is known of those that `wanted` names.
    package mutating func update(where wanted: (ScheduledMessage) -> Bool, _ body: (inout ScheduledMessage) -> Void) {
        for index in heap.indices where wanted(heap[index]) { body(&heap[index]) }
    }

    /// The message of a number; nil where it does not wait.
    package func message(_ number: UInt64) -> ScheduledMessage? { heap.last { $0.number == number } }

    private static func isBefore(_ a: ScheduledMessage, _ b: ScheduledMessage) -> Bool {
        (a.dueMicroseconds, a.number) < (b.dueMicroseconds, b.number)
    }

    private mutating func sink(_ start: Int) {
        var parent = start
        while true {
            var next = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if Self.isBefore(heap[child], heap[next]) { next = child }
            }
            guard next != parent else { return }
            heap.swapAt(parent, next)
            parent = next
        }
    }
}

/// The id of a message that got none from its publisher and waits: `z` and its number, 23 characters like a cursor, and
/// none.
public enum ScheduleID {
    public static func text(_ number: UInt64) -> InlineArray<23, UInt8> {
        var text = InlineArray<23, UInt8>(repeating: UInt8(ascii: "0"))
        text[0] = UInt8(ascii: "z")
        var rest = number
        var index = 22
        while rest > 0 {
            let digit = UInt8(rest & 31)
            text[index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
            rest >>= 5
            index -= 1
        }
        return text
    }
}
