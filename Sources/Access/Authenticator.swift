import Arenas
import Synchronization

/// Tells whom a token stands for, by files that may be read anew while it works.
///
/// Shared by all loops; any thread. Each loop brings a `TokenCache` of its own.
public final class Authenticator: Sendable {
    private struct Current: Sendable {
        var state: AccessState
        var generation: UInt64
    }

    private let current: Mutex<Current>
    /// That of `current`, to be compared without a lock.
    private let currentGeneration: Atomic<UInt64>
    /// Which files were read last. One `reload` at a time, so that what they held is what holds.
    private let reading: Mutex<AccessConfiguration>
    /// What was found worth saying about the files at the start.
    public let warnings: [String]

    /// Reads the files.
    /// - Throws: all that is wrong in all of them.
    public init(_ configuration: AccessConfiguration) throws(AccessError) {
        let (state, warnings) = try AccessState.read(configuration)
        reading = Mutex(configuration)
        self.warnings = warnings
        current = Mutex(Current(state: state, generation: 1))
        currentGeneration = Atomic(1)
    }

    /// Which reading of the files holds; another number after each `reload` that succeeded.
    public var generation: UInt64 { currentGeneration.load(ordering: .acquiring) }

    /// How many static tokens are known.
    public var staticTokenCount: Int { current.withLock { $0.state.tokens.count } }

    /// Reads the files anew. Where anything is wrong in them, what was read before holds on. Takes as long as reading
    /// takes, a third of a second for the most tokens: not for a loop's thread.
    /// - Parameter configuration: the files, where they are others than before.
    /// - Returns: what whoever runs the server should know.
    /// - Throws: all that is wrong.
    @discardableResult
    public func reload(_ configuration: AccessConfiguration? = nil) throws(AccessError) -> [String] {
        try reading.withLock { last throws(AccessError) in
            let configuration = configuration ?? last
            let (state, warnings) = try AccessState.read(configuration)
            last = configuration
            current.withLock { current in
                current = Current(state: state, generation: current.generation + 1)
                currentGeneration.store(current.generation, ordering: .releasing)
            }
            return warnings
        }
    }

    /// Whom `token` stands for.
    ///
    /// A token that the cache knows costs one hash and allocates nothing. Another one is looked up or its signature
    /// checked, and is kept where it is good.
    /// - Parameters:
    ///   - cache: the calling loop's.
    ///   - arena: what a signed token is decoded in.
    ///   - nowSeconds: seconds since 1970-01-01T00:00:00Z.
    /// - Throws: where there is no memory to read a signed token; says nothing about it.
    public func authenticate(
        _ token: Span<UInt8>, cache: inout TokenCache, arena: borrowing ScopedArena, nowSeconds: Int64
    ) throws(ArenaError) -> Authentication {
        // Neither form is as long; nobody is to have much hashed.
        guard token.count <= JSONWebToken.maximumBytes else { return .refused(.malformed) }
        let key = cache.key(for: token)
        if let known = cache.principal(for: key, generation: generation, nowSeconds: nowSeconds) {
            return .principal(known)
        }
        let current = current.withLock { $0 }
        do throws(TokenFailure) {
            let principal = try current.state.authenticate(token, in: arena, nowSeconds: nowSeconds)
            cache.insert(principal, for: key, generation: current.generation)
            return .principal(principal)
        } catch {
            switch error {
            case .refused(let refusal): return .refused(refusal)
            case .arena(let error): throw error
            }
        }
    }

    /// A principal found earlier as it is now: what a stream that lasts asks when `generation` has changed. The same
    /// token may have got other grants.
    /// - Returns: nothing where its token was taken from the file, its key from the configuration, or its time is over.
    public func renewed(_ principal: Principal, nowSeconds: Int64) -> Principal? {
        let state = current.withLock { $0.state }
        guard let renewed = state.renewed(principal), !renewed.isExpired(at: nowSeconds) else { return nil }
        return renewed
    }
}
