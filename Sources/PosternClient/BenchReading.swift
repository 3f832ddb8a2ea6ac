/// What one reader of a bench got. Its thread's.
final class BenchReading {
    /// Numbers of messages.
    private(set) var seen = Set<Int>()
    private(set) var duplicates = 0
    private(set) var outOfOrder = 0
    private(set) var latency = LatencyHistogram()
    /// When it began to wait for what is missing.
    var waitedSince: UInt64?
    private var last = -1

    /// Takes a line of a stream. Looks for its own two numbers alone: a thousand readers on one machine have no time for
    /// more.
    /// - Returns: whether it was a message of the bench.
    func note(_ line: [UInt8]) -> Bool {
        let mark = Array("\"data\":\"".utf8)
        guard line.count > mark.count else { return false }
        for start in 0...line.count - mark.count where line[start] == mark[0] && line[start + 2] == mark[2] {
            guard line[start..<start + mark.count].elementsEqual(mark) else { continue }
            return note(line[(start + mark.count)...])
        }
        return false
    }

    /// Takes a message's data.
    /// - Returns: whether it was a message of the bench.
    func note(data: String) -> Bool { note(Array(data.utf8)[...]) }

    private func note(_ data: ArraySlice<UInt8>) -> Bool {
        var numbers: [UInt64] = []
        var value: UInt64 = 0
        for byte in data where numbers.count < 2 {
            if byte == UInt8(ascii: " ") {
                numbers.append(value)
                value = 0
            } else {
                value = value &* 10 &+ UInt64(byte &- UInt8(ascii: "0"))
            }
        }
        guard numbers.count == 2 else { return false }
        let number = Int(truncatingIfNeeded: numbers[0])
        let now = Clock.nanoseconds
        latency.record(now > numbers[1] ? now - numbers[1] : 0)
        if !seen.insert(number).inserted { duplicates += 1 }
        if number < last { outOfOrder += 1 }
        last = number
        return true
    }
}
