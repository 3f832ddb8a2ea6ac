import Access
import Arenas
import Clients
import EventLoop
import PubSub
import TLS

/// What an operator may set. Every limit has its reason beside it.
public struct GatewayConfiguration: Sendable {
    public var host = "127.0.0.1"
    /// 0 lets the system pick one.
    public var port: UInt16 = 8080
    /// Certificates, where clients speak TLS.
    public var credentials: TLSCredentials?
    /// Where operators are served everything, whatever they show; those who reach it are trusted.
    public var operatorsAddress: ListenAddress?
    /// Where clients without TLS are sent to it.
    public var redirectAddress: ListenAddress?
    /// Sockets that are open already, in place of those of the addresses above.
    public var inherited = InheritedListeners()
    /// Who may do what; anybody everything where nil.
    public var access: Authenticator?
    /// The cookie that a browser may show its token in; nil for none.
    public var tokenCookie: String? = "postern_token"
    /// Whether a token may stand in a URL, as a browser's EventSource can send no header field of its own.
    public var allowsTokenParameter = false
    /// What each address may do, all of a /64 for IPv6; and each token's subject.
    public var addressLimits = RateLimits()
    public var tokenLimits = RateLimits()
    /// Addresses and subjects that are told apart, each.
    public var limitedClients = RateTable.defaultCapacity
    /// Who is believed in what they say of the clients they speak for: `X-Forwarded-For`, the PROXY protocol.
    public var trustedProxies = AddressList()
    /// Whether clients' connections begin with a header of the PROXY protocol, version 2.
    public var expectsProxyHeader = false
    /// Pages of which other origins may use the gateway from a browser; of none where nil.
    public var crossOrigin: CrossOriginPolicy?
    /// One a core.
    public var loops = 1
    /// Arenas: first chunk, cap of one, idle ones a loop keeps, and all together.
    public var arenaInitialBytes = 16 << 10
    public var arenaMaximumBytes = 16 << 20
    public var arenaPoolSize = 64
    public var arenaBudgetBytes = 256 << 20
    /// Largest request body: a message should fit memory many times over.
    public var maximumBodyBytes = 1 << 20
    public var maximumConnections = 15_000
    /// Fewer than connections, so that publishers find room.
    public var maximumStreams = 12_000
    /// Unanswered heads and bodies end here, idle connections there.
    public var headTimeoutMilliseconds = 10_000
    public var bodyTimeoutMilliseconds = 30_000
    /// A body has so much more time for what came of it: slower ones are cut off. As Apache's mod_reqtimeout.
    public var minimumBodyBytesPerSecond = 500
    /// The same for what a client is to take.
    public var minimumReadBytesPerSecond = 500
    public var idleTimeoutMilliseconds = 75_000
    public var drainTimeoutMilliseconds = 10_000
    /// While draining, a connection without a request is closed after so long: its client may be about to send one, and
    /// would not be told that nobody read it (RFC 9112, section 9.6). More than the way around the world and back.
    public var drainIdleMilliseconds = 500
    /// A stream that has nothing to say gives a sign of life so often: less than what proxies cut off after (60 s).
    public var heartbeatMilliseconds = 15_000
    /// A stream ends after so long, give or take a tenth, so that load behind a proxy spreads anew; 0 for never.
    public var streamLifetimeMilliseconds = 3_600_000
    /// A client that takes nothing of what waits for it is cut off after so long.
    public var stallTimeoutMilliseconds = 30_000
    /// Latest a message may be set to be delivered: it waits in memory.
    public var maximumDelayMicroseconds: Int64 = 7 * 86_400 * 1_000_000
    /// One in so many requests is logged; nil for none.
    public var accessLogEvery: Int?
    /// Whether a publish's `traceparent` becomes an attribute of its messages.
    public var keepsTraceContext = false
    /// Whether `/` shows a page for a browser.
    public var servesConsole = true
    public var log = MemoryLog.Configuration()
    public var handlesSignals = false

    public init() {}
}

/// Limits of the contract, the same on every server.
enum Limits {
    /// Messages of one batch.
    static let batchMessages = 1000
    /// Messages one poll returns, at most and where nothing is asked.
    static let pollMessages = ReadLimits.maximumMessages
    static let defaultPollMessages = 100
    /// Bytes of messages in one reply (one message is returned even where it alone is larger), so that a slow reader
    /// makes us hold no more.
    static let pollBytes = 1 << 20
    /// Longest a poll may be parked: shorter than what proxies commonly give up after.
    static let waitMilliseconds = 60_000
    static let attributes = 32
    static let attributeNameBytes = 64
    static let attributeValueBytes = 1024
    static let keyBytes = 255
    static let contentTypeBytes = 255
    /// Depth of JSON.
    static let jsonDepth = 64
    /// Bytes kept that a client sends ahead while its poll is parked or its replies wait for it; behind them reading
    /// pauses.
    static let sentAheadBytes = 64 << 10
    /// Replies of one connection that wait for the disk; behind them it is served no more.
    static let heldReplies = 256
    /// Replies of pipelined requests gathered before they are sent; behind them other clients have their turn.
    static let gatheredReplyBytes = 256 << 10
    /// Messages and bytes that a stream is sent at a time; one message is sent even where it alone is larger.
    static let streamMessages = ReadLimits.maximumMessages
    static let streamWriteBytes = 64 << 10
    /// Clients served between two looks at the sockets, so that one busy topic does not starve the rest.
    static let deliveriesPerTick = 256
    /// Bytes handed to clients between two looks at the sockets, for the same reason: some milliseconds' worth.
    static let deliveredBytesPerTick = 4 << 20
    /// Streams that read on their own between two looks at the sockets.
    static let readsPerTick = 32
}
