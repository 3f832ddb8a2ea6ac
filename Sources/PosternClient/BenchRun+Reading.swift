import Synchronization

/// What a bench reads of what it published, while it publishes and when it is done.
extension BenchRun {
    /// How long readers may take for what was published when the last was.
    private static let graceNanoseconds: UInt64 = 10_000_000_000

    func deliver(
        readers: Int, _ read: @escaping @Sendable (BenchRun, BenchReading) throws(ClientFailure) -> Void
    ) throws(ClientFailure) -> BenchResult {
        try Transfer.prepare()
        let results = Mutex<BenchResult>(BenchResult())
        let reading = try Threads.start(readers, abandon: abandon) { _ in
            let mine = BenchReading()
            do throws(ClientFailure) { try read(self, mine) } catch {
                self.note(error)
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
        let sent = try publishAll(connections: load.connections ?? 1, rate: load.rate ?? 100)
        isDone.store(true, ordering: .releasing)
        reading.join()
        var result = results.withLock { $0 }
        result.published = sent.published
        result.seconds = sent.seconds
        result.expected = sent.published * readers
        if Interrupt.isPending {
            // Nobody waited for the rest.
            result.unchecked = "interrupted"
            result.delivered = nil
        }
        if load.connections ?? 1 > 1 { result.outOfOrder = 0 }
        result.failures = failures.withLock { $0 }
        cleanUp()
        return result
    }

    /// Whether a reader has all that it will get.
    private func hasAll(_ reading: BenchReading) -> Bool {
        if isAbandoned.load(ordering: .relaxed) { return true }
        guard isDone.load(ordering: .acquiring) else { return false }
        if reading.seen.count >= published.load(ordering: .relaxed) { return true }
        let since = reading.waitedSince ?? Clock.nanoseconds
        reading.waitedSince = since
        return Clock.nanoseconds - since > Self.graceNanoseconds || Interrupt.isPending
    }

    func readStream(_ reading: BenchReading) throws(ClientFailure) {
        var lines = LineSplitter()
        let session = try Session(load.server)
        let path = ServerAddress.messagesPath(topic) + "?format=ndjson"
        try session.stream(
            path, silenceSeconds: 0,
            head: { name, _ in if name == "cursor" { ready.add(1, ordering: .relaxed) } },
            isOver: { self.hasAll(reading) },
            body: { piece in
                _ = lines.take(piece) { line in
                    if reading.note(line) { delivered.add(1, ordering: .relaxed) }
                    return true
                }
                return !hasAll(reading)
            })
    }

    func readPolls(_ reading: BenchReading) throws(ClientFailure) {
        let session = try Session(load.server)
        var cursor: String?
        ready.add(1, ordering: .relaxed)
        repeat {
            let query = ServerAddress.query([("after", cursor), ("wait", "1"), ("limit", "1000")])
            let reply = try session.request(ServerAddress.messagesPath(topic) + query, extraMilliseconds: 1000).json()
            for message in reply["messages"]?.elements ?? [] where reading.note(data: message["data"]?.string ?? "") {
                delivered.add(1, ordering: .relaxed)
            }
            cursor = reply["next"]?.string
        } while !hasAll(reading)
    }

    /// Where the log ends; nil where the token may not read.
    func position(_ session: Session) throws(ClientFailure) -> String? {
        let reply = try session.anyReply(ServerAddress.messagesPath(topic) + "?since=latest&limit=1")
        if reply.status == 401 || reply.status == 403 { return nil }
        return try session.success(reply).json()["next"]?.string
    }

    /// Reads what is there behind `start`, and holds it against what was published.
    func readBack(after start: String, _ session: Session, _ result: inout BenchResult) throws(ClientFailure) {
        let reading = BenchReading()
        var cursor = start
        while !Interrupt.isPending {
            let query = ServerAddress.query([("after", cursor), ("limit", "1000"), ("gap", "skip")])
            let page = try session.request(ServerAddress.messagesPath(topic) + query).json()
            if page["gap"] != nil { result.isCutByRetention = true }
            let messages = page["messages"]?.elements ?? []
            for message in messages { _ = reading.note(data: message["data"]?.string ?? "") }
            guard let next = page["next"]?.string, !messages.isEmpty else { break }
            cursor = next
        }
        // After an interrupt nobody waits for the rest.
        guard !Interrupt.isPending else { return result.unchecked = "interrupted" }
        result.delivered = reading.seen.count
        result.duplicates = reading.duplicates
        result.expected = result.published
    }
}
