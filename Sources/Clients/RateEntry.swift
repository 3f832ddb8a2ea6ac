/// What one key used: four buckets, three counts. 96 bytes with its key.
struct RateEntry: Sendable, BitwiseCopyable {
    var key: RateKey
    private var requests = TokenBucket()
    private var bytes = TokenBucket()
    private var messages = TokenBucket()
    private var topics = TokenBucket()
    private var connections: UInt32 = 0
    private var polls: UInt32 = 0
    private var streams: UInt32 = 0
    /// Whether a key stands here.
    var isTaken = false

    init() { key = RateKey(principal: 0) }

    init(_ key: RateKey) {
        self.key = key
        isTaken = true
    }

    /// Takes all of the cost or nothing of it.
    mutating func check(_ cost: RateCost, _ limits: borrowing RateLimits, at now: UInt64) -> RateVerdict {
        var longest: UInt64 = 0
        var by = RateKind.requests
        if let limit = limits.requests, cost.requests > 0 {
            longest = requests.waitNanoseconds(for: cost.requests, of: limit, at: now)
        }
        if let limit = limits.bytes, cost.bytes > 0 {
            let wait = bytes.waitNanoseconds(for: cost.bytes, of: limit, at: now)
            if wait > longest { (longest, by) = (wait, .bytes) }
        }
        if let limit = limits.messages, cost.messages > 0 {
            let wait = messages.waitNanoseconds(for: cost.messages, of: limit, at: now)
            if wait > longest { (longest, by) = (wait, .messages) }
        }
        if let limit = limits.topics, cost.topics > 0 {
            let wait = topics.waitNanoseconds(for: cost.topics, of: limit, at: now)
            if wait > longest { (longest, by) = (wait, .topics) }
        }
        guard longest == 0 else { return .limited(by: by, retryAfterSeconds: Self.seconds(longest)) }
        spend(cost, limits)
        return .allowed(standing(limits, at: now))
    }

    private mutating func spend(_ cost: RateCost, _ limits: borrowing RateLimits) {
        if let limit = limits.requests { requests.spend(cost.requests, of: limit) }
        if let limit = limits.bytes { bytes.spend(cost.bytes, of: limit) }
        if let limit = limits.messages { messages.spend(cost.messages, of: limit) }
        if let limit = limits.topics { topics.spend(cost.topics, of: limit) }
    }

    private mutating func standing(_ limits: borrowing RateLimits, at now: UInt64) -> RateStanding? {
        guard let limit = limits.requests else { return nil }
        return RateStanding(
            kind: .requests, limit: limit.burst, remaining: requests.remaining(of: limit, at: now),
            resetSeconds: Self.seconds(requests.fullAfterNanoseconds(of: limit, at: now)))
    }

    /// Whether one more was counted; false where the limit is reached.
    mutating func enter(_ occupancy: Occupancy, limit: UInt32?) -> Bool {
        guard self[occupancy] < limit ?? .max else { return false }
        self[occupancy] += 1
        return true
    }

    mutating func leave(_ occupancy: Occupancy) {
        precondition(self[occupancy] > 0, "left more often than entered")
        self[occupancy] -= 1
    }

    /// Whether the entry says no more than a new one would.
    mutating func isIdle(_ limits: borrowing RateLimits, at now: UInt64) -> Bool {
        guard connections == 0, polls == 0, streams == 0 else { return false }
        if let limit = limits.requests, requests.fullAfterNanoseconds(of: limit, at: now) > 0 { return false }
        if let limit = limits.bytes, bytes.fullAfterNanoseconds(of: limit, at: now) > 0 { return false }
        if let limit = limits.messages, messages.fullAfterNanoseconds(of: limit, at: now) > 0 { return false }
        if let limit = limits.topics, topics.fullAfterNanoseconds(of: limit, at: now) > 0 { return false }
        return true
    }

    subscript(occupancy: Occupancy) -> UInt32 {
        get {
            switch occupancy {
            case .connection: connections
            case .poll: polls
            case .stream: streams
            }
        }
        set {
            switch occupancy {
            case .connection: connections = newValue
            case .poll: polls = newValue
            case .stream: streams = newValue
            }
        }
    }

    private static func seconds(_ nanoseconds: UInt64) -> UInt64 {
        nanoseconds / 1_000_000_000 + (nanoseconds % 1_000_000_000 == 0 ? 0 : 1)
    }
}
