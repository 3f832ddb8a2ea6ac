import COpenSSL

/// The server's end of TLS on one socket. It moves bytes when it is asked to, and never waits. One thread at a time.
// unsafe: owns OpenSSL's session, and lends it memory for the length of a call.
@safe
public struct TLSSession: ~Copyable {
    /// What became of a step of the handshake.
    public enum Handshake: Sendable {
        case established
        case wantsRead
        case wantsWrite
        /// The peer broke the protocol, or nothing it offers will do.
        case refused
        /// The peer speaks HTTP without TLS.
        case plainHTTP
        /// The connection is over.
        case ended
    }

    /// What one `write` takes at most: a record's worth (RFC 8446, section 5.1), less what `OutputBlocks` keeps for itself.
    public static let writeBytes = (16 << 10) - 8

    private let session: OpaquePointer

    init(_ session: OpaquePointer) { unsafe self.session = unsafe session }

    deinit { unsafe postern_tls_session_free(session) }

    /// Goes on with the handshake.
    public func handshake() -> Handshake {
        switch unsafe UInt32(postern_tls_session_handshake(session)) {
        case POSTERN_TLS_ESTABLISHED.rawValue: .established
        case POSTERN_TLS_WANTS_READ.rawValue: .wantsRead
        case POSTERN_TLS_WANTS_WRITE.rawValue: .wantsWrite
        case POSTERN_TLS_PLAIN_HTTP.rawValue: .plainHTTP
        case POSTERN_TLS_REFUSED.rawValue: .refused
        default: .ended
        }
    }

    /// Whether the handshake took up an earlier session (RFC 8446, section 2.2).
    public var isResumed: Bool { unsafe postern_tls_session_is_resumed(session) != 0 }

    /// Reads into `memory`, from one record at least.
    /// - Returns: the count, 0 at the end of the peer's bytes, or a negated errno; -EAGAIN where there is nothing now.
    public func read(into memory: UnsafeMutableRawPointer, count: Int) -> Int {
        unsafe Int(postern_tls_session_read(session, memory, count))
    }

    /// Writes one record: the first `writeBytes` of `bytes`, at most.
    /// - Returns: the count, or a negated errno. After -EAGAIN the same bytes are to be written again, from wherever they
    ///   stand by then.
    public func write(_ bytes: Span<UInt8>) -> Int {
        unsafe bytes.withUnsafeBytes { buffer in
            unsafe Int(postern_tls_session_write(session, buffer.baseAddress, min(buffer.count, Self.writeBytes)))
        }
    }

    /// Whether bytes that were read from the socket wait here: epoll does not tell of them.
    public var hasPending: Bool { unsafe postern_tls_session_has_pending(session) != 0 }

    /// Tells the peer that nothing more will be sent (`close_notify`, RFC 8446 section 6.1).
    public func shutdown() { unsafe postern_tls_session_shutdown(session) }
}
