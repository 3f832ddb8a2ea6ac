import CLinux
import TLS

/// A system call's failure.
struct SystemError: Error {
    /// The call's name and its errno.
    let call: StaticString
    let number: Int32
}

/// The calls a loop makes, typed.
// unsafe: passes memory to the kernel for the length of a call.
enum SystemCalls {
    static func checked(_ result: Int32, _ call: StaticString) throws(SystemError) -> Int32 {
        guard result >= 0 else { throw SystemError(call: call, number: -result) }
        return result
    }

    static func listen(host: String, port: UInt16, backlog: Int32, shared: Bool) throws(SystemError) -> Int32 {
        let result = unsafe host.withCString { text in unsafe postern_listen(text, port, backlog, shared ? 1 : 0) }
        return try checked(result, "listen")
    }

    /// The numeric address a socket is bound to; nil where there is none.
    static func boundHost(_ descriptor: Int32) -> String? {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
            guard let start = text.baseAddress, unsafe postern_bound_host(descriptor, start, text.count) == 0 else {
                return nil
            }
            return unsafe String(cString: start)
        }
    }

    /// Takes a connection; its descriptor, or a negated errno, and who it is from.
    static func accept(_ listener: Int32) -> (Int32, PeerAddress) {
        var address = postern_address()
        let descriptor = unsafe postern_accept(listener, &address)
        return (descriptor, PeerAddress(high: address.high, low: address.low))
    }

    static func send(_ descriptor: Int32, _ bytes: Span<UInt8>) -> Int {
        unsafe bytes.withUnsafeBytes { buffer in
            unsafe Int(postern_send(descriptor, buffer.baseAddress, buffer.count))
        }
    }

    static func send(_ descriptor: Int32, _ text: StaticString) -> Int {
        unsafe send(descriptor, text.utf8Start, text.utf8CodeUnitCount)
    }

    static func send(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
        unsafe Int(postern_send(descriptor, bytes, count))
    }
}

/// Memory that a loop reads into.
// unsafe: owns it, and lends what was read as a span.
@safe
struct ReadScratch: ~Copyable {
    private let memory: UnsafeMutablePointer<UInt8>
    let byteCount: Int

    init(byteCount: Int) {
        self.byteCount = byteCount
        unsafe memory = .allocate(capacity: byteCount)
    }

    deinit { unsafe memory.deallocate() }

    /// Reads once; the count, 0 at the end of the stream, or a negated errno.
    func receive(_ descriptor: Int32, atMost count: Int = .max) -> Int {
        unsafe Int(postern_receive(descriptor, memory, min(count, byteCount)))
    }

    /// Reads what a session has, and what its socket has where that is nothing.
    /// - Returns: the count, 0 at the end of the peer's bytes, or a negated errno; and whether there is more to be read
    ///   that epoll will not tell of.
    func receive(_ session: borrowing TLSSession) -> (count: Int, hasMore: Bool) {
        var filled = 0
        while filled < byteCount {
            let count = unsafe session.read(into: memory + filled, count: byteCount - filled)
            // An end or an error behind bytes is met again by the next read.
            if count <= 0 { return filled > 0 ? (filled, !SystemErrorNumber.meansLater(count)) : (count, false) }
            filled += count
            if !session.hasPending { return (filled, false) }
        }
        return (filled, true)
    }

    /// Lends the first `count` bytes.
    func withBytes(_ count: Int, _ body: (Span<UInt8>) -> Void) {
        precondition(count <= byteCount)
        body(unsafe Span(_unsafeStart: UnsafePointer(memory), count: count))
    }
}

/// Room for what one wait reports.
// unsafe: owns it.
@safe
struct EventBatch: ~Copyable {
    private let events: UnsafeMutablePointer<postern_event>

    init() { unsafe events = .allocate(capacity: Int(POSTERN_EVENTS_MAX)) }

    deinit { unsafe events.deallocate() }

    /// Waits; how many events there are.
    func wait(_ epoll: Int32, timeoutMilliseconds: Int32) -> Int {
        // An interrupted wait is one that reports nothing.
        Int(max(0, unsafe postern_epoll_wait(epoll, events, timeoutMilliseconds)))
    }

    subscript(index: Int) -> postern_event {
        precondition(index >= 0 && index < Int(POSTERN_EVENTS_MAX))
        return unsafe events[index]
    }
}
