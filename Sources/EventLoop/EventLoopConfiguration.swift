/// How loops listen and what they hold. Each limit has its reason beside it.
public struct EventLoopConfiguration: Sendable {
    public var host = "127.0.0.1"
    /// 0 lets the system pick one; all loops share it.
    public var port: UInt16 = 0
    public var loops = 1
    /// What the kernel queues while a loop is busy; the system's own cap is lower as a rule.
    public var backlog: Int32 = 4096
    /// Over all loops; below the usual hard limit of open files, so that the refusal is ours to word.
    public var maximumConnections = 15_000
    /// What one read may bring: a batch of a hundred messages in one, and little enough to stay in cache.
    public var readBytes = 64 << 10
    /// What may be held for one peer that does not read, and for all of one loop's together.
    public var maximumPendingBytes = 4 << 20
    public var maximumPendingBytesPerLoop = 64 << 20
    /// How long a peer may take nothing of the output it is awaited to take: longer than a mobile network's pauses.
    public var stallMilliseconds: UInt64 = 30_000
    /// What a connection over the limit is told before it is closed.
    public var refusal: StaticString = ""
    /// How long a connection that we end is still read, so that its last reply is not reset away.
    public var lingerMilliseconds: UInt64 = 2000
    /// SIGTERM and SIGINT drain, SIGHUP asks for a reload. One group in a process may do so.
    public var handlesSignals = false
    public var drainTimeoutMilliseconds: UInt64 = 10_000

    public init() {}
}
