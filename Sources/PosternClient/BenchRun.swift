import Synchronization

/// A bench while it runs: threads that publish, threads that read, one that looks on.
public final class BenchRun: Sendable {
    private let load: BenchLoad
    private let topic = "bench-" + String(UInt64.random(in: 0 ... .max), radix: 36)
    private let beganAt = Clock.nanoseconds
    /// The number of the next message, and how many have their receipt.
    private let next = Atomic<Int>(0)
    private let published = Atomic<Int>(0)
    private let delivered = Atomic<Int>(0)
    /// Readers that read.
    private let ready = Atomic<Int>(0)
    private let isOver = Atomic<Bool>(false)
    private let failures = Mutex<[ClientFailure]>([])

    private init(_ load: BenchLoad) { self.load = load }

    // MARK: Kinds

    /// Publishes as fast as it goes; what the log has in the end is what it counts.
    public static func publish(_ load: BenchLoad) throws(ClientFailure) -> BenchResult {
        try Transfer.prepare()
        let run = BenchRun(load)
        var result = run.publishAll(connections: load.connections ?? 16, rate: load.rate)
        let reply = try Session(load.server).anyReply("/v1/topics/\(run.topic)")
        if reply.status == 200 {
            result.delivered = try reply.json()["messages"]?.integer
            result.expected = result.published
        }
        result.failures = run.failures.withLock { $0 }
        run.cleanUp()
        return result
    }

    /// Deletes its topic, where it may.
    private func cleanUp() { _ = try? Session(load.server).delete("/v1/topics/\(topic)") }

    /// Publishes at a rate, to readers that each hold a stream.
    public static func fanOut(_ load: BenchLoad, readers: Int) throws(ClientFailure) -> BenchResult {
        try BenchRun(load).deliver(readers: readers) { (run, reading) throws(ClientFailure) in
            try run.readStream(reading)
        }
    }

    /// Publishes at a rate, to readers that each poll.
    public static func poll(_ load: BenchLoad, readers: Int) throws(ClientFailure) -> BenchResult {
        try BenchRun(load).deliver(readers: readers) { (run, reading) throws(ClientFailure) in
            try run.readPolls(reading)
        }
    }

    // MARK: Publishing

    private func publishAll(connections: Int, rate: Int?) -> BenchResult {
        let start = Clock.nanoseconds
        let end = start + UInt64(load.durationMilliseconds) * 1_000_000
        let histograms = Mutex<LatencyHistogram>(LatencyHistogram())
        Threads.run(connections + 1) { number in
            guard number < connections else { return self.showProgress(until: end) }
            do throws(ClientFailure) {
                let mine = try self.publishLoop(start: start, end: end, rate: rate)
                histograms.withLock { $0.merge(mine) }
            } catch {
                self.failures.withLock { $0.append(error) }
            }
            // The last one out ends the progress.
            if self.ended.add(1, ordering: .relaxed).newValue == connections {
                self.isOver.store(true, ordering: .relaxed)
            }
        }
        var result = BenchResult()
        result.published = published.load(ordering: .relaxed)
        result.seconds = max(Double(Clock.nanoseconds - start) / 1e9, 0.001)
        result.latency = histograms.withLock { $0 }
        return result
    }

    private let ended = Atomic<Int>(0)

    private func publishLoop(start: UInt64, end: UInt64, rate: Int?) throws(ClientFailure) -> LatencyHistogram {
        let session = try Session(load.server)
        var histogram = LatencyHistogram()
        let path = ServerAddress.messagesPath(topic)
        while !Interrupt.isPending {
            let number = next.add(1, ordering: .relaxed).oldValue
            guard number < load.messages ?? .max else { return histogram }
            if let rate {
                // Each message has its moment; one that is late does not move the next.
                let due = start + UInt64(number) * 1_000_000_000 / UInt64(rate)
                guard due < end else { return histogram }
                while Clock.nanoseconds < due, !Interrupt.isPending {
                    Clock.sleep(milliseconds: Int(min(50, (due - min(due, Clock.nanoseconds)) / 1_000_000)))
                }
            } else if Clock.nanoseconds >= end {
                return histogram
            }
            let began = Clock.nanoseconds
            _ = try session.request(path, fields: ["Content-Type: text/plain"], body: message(number, began))
            histogram.record(Clock.nanoseconds - began)
            published.add(1, ordering: .relaxed)
        }
        return histogram
    }

    /// Its number, when it was sent, and what makes it as long as is wanted.
    private func message(_ number: Int, _ now: UInt64) -> [UInt8] {
        var bytes = Array("\(number) \(now) ".utf8)
        while bytes.count < load.bytes { bytes.append(UInt8(ascii: "x")) }
        return bytes
    }

    // MARK: Reading

    /// What one reader got. Its thread's.
    private final class Reading {
        var seen = Set<Int>()
        var last = -1
        var duplicates = 0
        var outOfOrder = 0
        var latency = LatencyHistogram()
        /// When it began to wait for what is missing.
        var waitedSince: UInt64?
    }

    /// How long readers may take for what was published when the last was.
    private static let graceNanoseconds: UInt64 = 10_000_000_000

    private func deliver(
        readers: Int, _ read: @escaping @Sendable (BenchRun, Reading) throws(ClientFailure) -> Void
    ) throws(ClientFailure) -> BenchResult {
        try Transfer.prepare()
        let results = Mutex<BenchResult>(BenchResult())
        let reading = Threads.start(readers) { _ in
            let mine = Reading()
            do throws(ClientFailure) { try read(self, mine) } catch {
                self.failures.withLock { $0.append(error) }
                self.ready.add(1, ordering: .relaxed)
            }
            results.withLock { result in
                result.delivered = (result.delivered ?? 0) + mine.seen.count
                result.duplicates += mine.duplicates
                result.outOfOrder += mine.outOfOrder
                result.latency.merge(mine.latency)
            }
        }
        while ready.load(ordering: .relaxed) < readers, !Interrupt.isPending { Clock.sleep(milliseconds: 5) }
        // One connection keeps messages in the order of their numbers.
        let sent = publishAll(connections: load.connections ?? 1, rate: load.rate ?? 100)
        isDone.store(true, ordering: .releasing)
        reading.join()
        var result = results.withLock { $0 }
        result.published = sent.published
        result.seconds = sent.seconds
        result.expected = sent.published * readers
        if load.connections ?? 1 > 1 { result.outOfOrder = 0 }
        result.failures = failures.withLock { $0 }
        cleanUp()
        return result
    }

    private let isDone = Atomic<Bool>(false)

    /// Whether a reader has all that it will get.
    private func hasAll(_ reading: Reading) -> Bool {
        guard isDone.load(ordering: .acquiring) else { return false }
        if reading.seen.count >= published.load(ordering: .relaxed) { return true }
        let since = reading.waitedSince ?? Clock.nanoseconds
        reading.waitedSince = since
        return Clock.nanoseconds - since > Self.graceNanoseconds || Interrupt.isPending
    }

    private func readStream(_ reading: Reading) throws(ClientFailure) {
        var lines = LineSplitter()
        let session = try Session(load.server)
        let path = ServerAddress.messagesPath(topic) + "?format=ndjson"
        try session.stream(
            path, silenceSeconds: 0,
            head: { name, _ in if name == "cursor" { ready.add(1, ordering: .relaxed) } },
            isOver: { self.hasAll(reading) },
            body: { piece in
                _ = lines.take(piece) { line in
                    note(line, reading)
                    return true
                }
                return !hasAll(reading)
            })
    }

    private func readPolls(_ reading: Reading) throws(ClientFailure) {
        let session = try Session(load.server)
        var cursor: String?
        ready.add(1, ordering: .relaxed)
        repeat {
            let query = ServerAddress.query([("after", cursor), ("wait", "1"), ("limit", "1000")])
            let reply = try session.request(ServerAddress.messagesPath(topic) + query, extraMilliseconds: 1000).json()
            for message in reply["messages"]?.elements ?? [] {
                note(Array((message["data"]?.string ?? "").utf8)[...], reading)
            }
            cursor = reply["next"]?.string
        } while !hasAll(reading)
    }

    /// Looks for its own two numbers alone: a thousand readers on one machine have no time for more.
    private func note(_ line: [UInt8], _ reading: Reading) {
        let mark = Array("\"data\":\"".utf8)
        guard line.count > mark.count else { return }
        for start in 0...line.count - mark.count where line[start] == mark[0] && line[start + 2] == mark[2] {
            guard line[start..<start + mark.count].elementsEqual(mark) else { continue }
            return note(line[(start + mark.count)...], reading)
        }
    }

    private func note(_ data: ArraySlice<UInt8>, _ reading: Reading) {
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
        guard numbers.count == 2 else { return }
        let number = Int(truncatingIfNeeded: numbers[0])
        let now = Clock.nanoseconds
        reading.latency.record(now > numbers[1] ? now - numbers[1] : 0)
        if !reading.seen.insert(number).inserted { reading.duplicates += 1 }
        if number < reading.last { reading.outOfOrder += 1 }
        reading.last = number
        delivered.add(1, ordering: .relaxed)
    }

    // MARK: Progress

    private func showProgress(until end: UInt64) {
        guard load.showsProgress else { return }
        var before = 0
        while !isOver.load(ordering: .relaxed), !Interrupt.isPending {
            for _ in 0..<20 where !isOver.load(ordering: .relaxed) { Clock.sleep(milliseconds: 50) }
            let now = published.load(ordering: .relaxed)
            let seconds = (Clock.nanoseconds - beganAt) / 1_000_000_000
            let read = delivered.load(ordering: .relaxed)
            ProgressLine.show(
                "\(seconds) s: \(now) published, \(now - before) in the last second"
                    + (read > 0 ? ", \(read) delivered" : ""))
            before = now
        }
    }
}
