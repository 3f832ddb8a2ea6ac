import Synchronization

/// A bench while it runs: threads that publish, threads that read, one that looks on.
public final class BenchRun: Sendable {
    let load: BenchLoad
    let topic = "bench-" + String(UInt64.random(in: 0 ... .max), radix: 36)
    private let beganAt = Clock.nanoseconds
    /// The number of the next message, and how many have their receipt.
    private let next = Atomic<Int>(0)
    let published = Atomic<Int>(0)
    let delivered = Atomic<Int>(0)
    /// Readers that read.
    let ready = Atomic<Int>(0)
    private let isOver = Atomic<Bool>(false)
    /// All is published.
    let isDone = Atomic<Bool>(false)
    private let ended = Atomic<Int>(0)
    /// Not all that were wanted could be started: the others are not to wait for them.
    let isAbandoned = Atomic<Bool>(false)
    let failures = Mutex<[ClientFailure]>([])

    private init(_ load: BenchLoad) { self.load = load }

    // MARK: Kinds

    /// Publishes as fast as it goes, and reads all of it in the end.
    public static func publish(_ load: BenchLoad) throws(ClientFailure) -> BenchResult {
        try Transfer.prepare()
        let run = BenchRun(load)
        let session = try Session(load.server)
        let start = try run.position(session)
        var result = try run.publishAll(connections: load.connections ?? 16, rate: load.rate)
        result.failures = run.failures.withLock { $0 }
        if let start {
            try run.readBack(after: start, session, &result)
        } else {
            result.unchecked = "the token may not read \(run.topic)"
        }
        run.cleanUp()
        return result
    }

    /// Deletes its topic, where it may.
    func cleanUp() { _ = try? Session(load.server).delete("/v1/topics/\(topic)") }

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

    /// What ended a connection; that the user interrupted it is no failure.
    func note(_ failure: ClientFailure) {
        if !Interrupt.isPending { failures.withLock { $0.append(failure) } }
    }

    func abandon() { isAbandoned.store(true, ordering: .relaxed) }

    // MARK: Publishing

    func publishAll(connections: Int, rate: Int?) throws(ClientFailure) -> BenchResult {
        let start = Clock.nanoseconds
        let end = start + UInt64(load.durationMilliseconds) * 1_000_000
        let histograms = Mutex<LatencyHistogram>(LatencyHistogram())
        try Threads.run(connections + 1, abandon: abandon) { number in
            guard number < connections else { return self.showProgress(until: end) }
            var mine = LatencyHistogram()
            do throws(ClientFailure) {
                try self.publishLoop(start: start, end: end, rate: rate, &mine)
            } catch {
                self.note(error)
            }
            histograms.withLock { $0.merge(mine) }
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

    /// - Parameter histogram: is given how long each message took, also where an error ends it.
    private func publishLoop(
        start: UInt64, end: UInt64, rate: Int?, _ histogram: inout LatencyHistogram
    ) throws(ClientFailure) {
        let session = try Session(load.server)
        let path = ServerAddress.messagesPath(topic)
        while !Interrupt.isPending, !isAbandoned.load(ordering: .relaxed) {
            let number = next.add(1, ordering: .relaxed).oldValue
            guard number < load.messages ?? .max else { return }
            if let rate {
                // Each message has its moment; one that is late does not move the next.
                let due = start + UInt64(number) * 1_000_000_000 / UInt64(rate)
                guard due < end else { return }
                while Clock.nanoseconds < due, !Interrupt.isPending {
                    Clock.sleep(milliseconds: Int(min(50, (due - min(due, Clock.nanoseconds)) / 1_000_000)))
                }
            } else if Clock.nanoseconds >= end {
                return
            }
            let began = Clock.nanoseconds
            _ = try session.request(path, fields: ["Content-Type: text/plain"], body: message(number, began))
            histogram.record(Clock.nanoseconds - began)
            published.add(1, ordering: .relaxed)
        }
    }

    /// Its number, when it was sent, and what makes it as long as is wanted.
    private func message(_ number: Int, _ now: UInt64) -> [UInt8] {
        var bytes = Array("\(number) \(now) ".utf8)
        while bytes.count < load.bytes { bytes.append(UInt8(ascii: "x")) }
        return bytes
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
