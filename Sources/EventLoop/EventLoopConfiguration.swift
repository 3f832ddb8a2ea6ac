import TLS

/// An address that all loops of a group listen on.
public struct ListenerConfiguration: Sendable {
    public var host: String
    /// 0 lets the system pick one; all loops share it.
    public var port: UInt16
    /// What connections are shown; nil for none, that is without TLS.
    public var credentials: TLSCredentials?
    /// Whether each connection begins with bytes that are for `ConnectionHandler.preface` alone, before TLS.
    public var hasPreface: Bool

    /// A socket that is there already, in place of one to be opened at `host` and `port`; all loops share it.
    public var inherited: InheritedSocket?

    public init(host: String, port: UInt16, credentials: TLSCredentials? = nil, hasPreface: Bool = false) {
        self.host = host
        self.port = port
        self.credentials = credentials
        self.hasPreface = hasPreface
    }

    public init(inherited: InheritedSocket, credentials: TLSCredentials? = nil, hasPreface: Bool = false) {
        self.init(host: inherited.host, port: inherited.port, credentials: credentials, hasPreface: hasPreface)
        self.inherited = inherited
    }
}

/// How loops listen and what they hold. Each limit has its reason beside it.
public struct EventLoopConfiguration: Sendable {
    /// One at least, and no more than 16; connections know theirs by its number here.
    public var listeners = [ListenerConfiguration(host: "127.0.0.1", port: 0)]
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
    /// A peer has so much more time for what it took: one that takes a byte now and then is cut off as well.
    public var minimumReadBytesPerSecond = 500
    /// What a connection over the limit is told before it is closed; one with TLS is closed without a word.
    public var refusal: StaticString = ""
    /// What a client is told that speaks without TLS where TLS is spoken.
    public var plainRefusal: StaticString = ""
    /// How long a connection that we end is still read, so that its last reply is not reset away.
    public var lingerMilliseconds: UInt64 = 2000
    /// The same while draining, where somebody waits for the end: as long as a reply takes around the world and back.
    public var drainLingerMilliseconds: UInt64 = 500
    /// SIGTERM and SIGINT drain, SIGHUP asks for a reload. One group in a process may do so.
    public var handlesSignals = false
    public var drainTimeoutMilliseconds: UInt64 = 10_000

    public init() {}
}
