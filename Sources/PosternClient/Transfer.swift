import CCurl

/// One connection to a server, and its requests by libcurl, one after the other.
///
/// One thread at a time. `prepare()` is called before the first is made.
// unsafe: owns libcurl's handle; hands it texts and itself for the length of a call.
@safe
final class Transfer {
    /// What is done with a reply as it comes; each is told to go on by true.
    struct Receiver {
        var head: (_ line: Span<UInt8>) -> Bool = { _ in true }
        var body: (Span<UInt8>) -> Bool
        /// Asked about once a second whether to give up.
        var isOver: () -> Bool = { Interrupt.isPending }
    }

    private let handle: OpaquePointer
    private var receiver: Receiver?

    /// Loads libcurl, unless it is there already.
    static func prepare() throws(ClientFailure) {
        guard postern_curl_load() != 0 else {
            throw ClientFailure(
                .noLibrary, "libcurl.so.4 is not there; the commands that talk to a server need it (Debian: libcurl4)")
        }
    }

    init(_ server: ServerAddress) throws(ClientFailure) {
        try Self.prepare()
        guard let handle = unsafe postern_transfer_new() else { throw ClientFailure(.output, "out of memory") }
        unsafe self.handle = handle
        unsafe postern_transfer_tls(
            handle, server.authoritiesPath, server.certificatePath, server.keyPath, server.trustsAnybody ? 1 : 0)
        let direct = [server.directHosts, "localhost", "127.0.0.0/8", "127.0.0.1", "::1"].filter { !$0.isEmpty }
        unsafe postern_transfer_no_proxy(
            handle, server.directHosts == "*" ? "*" : direct.joined(separator: ","))
        unsafe postern_transfer_receive(
            handle, Unmanaged.passUnretained(self).toOpaque(),
            { context, bytes, count in
                let line = unsafe Span(_unsafeStart: Transfer.bytes(bytes), count: count)
                return unsafe Transfer.of(context).receiver?.head(line) == true ? 0 : 1
            },
            { context, bytes, count in
                let piece = unsafe Span(_unsafeStart: Transfer.bytes(bytes), count: count)
                return unsafe Transfer.of(context).receiver?.body(piece) == true ? 0 : 1
            },
            { context in unsafe Transfer.of(context).receiver?.isOver() == true ? 1 : 0 })
    }

    deinit { unsafe postern_transfer_free(handle) }

    private static func of(_ context: UnsafeMutableRawPointer?) -> Transfer {
        guard let context = unsafe context else { preconditionFailure("a transfer without its context") }
        return unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
    }

    private static func bytes(_ start: UnsafePointer<CChar>?) -> UnsafePointer<UInt8> {
        guard let start = unsafe start else { preconditionFailure("a piece without bytes") }
        return unsafe UnsafeRawPointer(start).assumingMemoryBound(to: UInt8.self)
    }

    /// Makes a request and waits for the end of its reply.
    /// - Parameters:
    ///   - body: what is posted; nil for a GET, or a DELETE.
    /// - Returns: the reply's status, and libcurl's code; 0 where all went well.
    func perform(
        url: String, fields: [String], body: [UInt8]?, deletes: Bool = false, connectMilliseconds: Int,
        totalMilliseconds: Int, receiver: Receiver
    ) -> (status: Int, code: Int32) {
        unsafe postern_transfer_url(handle, url)
        unsafe postern_transfer_clear_fields(handle)
        for field in fields { unsafe postern_transfer_add_field(handle, field) }
        unsafe postern_transfer_times(handle, Int64(connectMilliseconds), Int64(totalMilliseconds))
        self.receiver = receiver
        defer { self.receiver = nil }
        let code: Int32
        if let body {
            code = unsafe body.withUnsafeBytes { bytes in
                unsafe postern_transfer_post(handle, bytes.baseAddress, bytes.count)
                return unsafe postern_transfer_perform(handle)
            }
        } else {
            if deletes { unsafe postern_transfer_delete(handle) } else { unsafe postern_transfer_get(handle) }
            code = unsafe postern_transfer_perform(handle)
        }
        return unsafe (postern_transfer_status(handle), code)
    }

    /// What libcurl says of a code.
    func explanation(_ code: Int32) -> String {
        guard let text = unsafe postern_transfer_error(handle, code) else { return "error \(code)" }
        return unsafe String(cString: text)
    }
}

/// SIGINT and SIGTERM: noted, for whoever has something to finish first. The second of a kind ends the process.
public enum Interrupt {
    /// Begins to note them. Also ignores SIGPIPE: whoever writes is told.
    public static func note() { postern_note_interrupts() }

    public static var isPending: Bool { postern_interrupted() != 0 }
}
