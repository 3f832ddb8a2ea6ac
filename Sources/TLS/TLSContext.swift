import COpenSSL

/// Certificates and keys, loaded. Sessions that began with it keep it; whoever made it may let go of it before they end.
///
/// Any thread.
// unsafe: owns OpenSSL's contexts behind a counted pointer, and lends C strings for the length of a call.
@safe
public final class TLSContext: Sendable {
    private nonisolated(unsafe) let context: OpaquePointer
    /// When the first of its certificates is valid no longer, in seconds since 1970.
    public let expiresSeconds: Int64

    /// Reads the files.
    /// - Throws: the first thing that is wrong with them.
    public init(_ configuration: TLSConfiguration) throws(TLSError) {
        let minimum: Int32 = configuration.minimumVersion == .tls13 ? 13 : 12
        guard let context = unsafe postern_tls_context_create(minimum) else {
            throw TLSError(description: "out of memory")
        }
        do throws(TLSError) {
            switch configuration.clientCertificates {
            case .none: break
            case .optional(let path):
                try unsafe Self.verifyClients(context, path, POSTERN_TLS_CLIENT_OPTIONAL)
            case .required(let path):
                try unsafe Self.verifyClients(context, path, POSTERN_TLS_CLIENT_REQUIRED)
            }
            for certificate in configuration.certificates {
                try unsafe Self.told { text, count in
                    unsafe postern_tls_context_add(context, certificate.chainPath, certificate.keyPath, text, count)
                }
            }
            guard !configuration.certificates.isEmpty else { throw TLSError(description: "no certificate is named") }
        } catch {
            unsafe postern_tls_context_release(context)
            throw error
        }
        unsafe self.context = unsafe context
        expiresSeconds = unsafe postern_tls_context_expires(context)
    }

    deinit { unsafe postern_tls_context_release(context) }

    private static func verifyClients(
        _ context: OpaquePointer, _ path: String, _ mode: postern_tls_client_certificates
    ) throws(TLSError) {
        try unsafe told { text, count in
            unsafe postern_tls_context_verify_clients(context, path, Int32(mode.rawValue), text, count)
        }
    }

    /// Makes a call that says in words why it failed.
    private static func told(_ call: (UnsafeMutablePointer<CChar>, Int) -> Int32) throws(TLSError) {
        let explanation = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { room -> String? in
            guard let text = room.baseAddress else { return "" }
            return unsafe call(text, 512) == 0 ? nil : unsafe String(cString: text)
        }
        if let explanation { throw TLSError(description: explanation) }
    }

    /// Begins a session on a connected socket that does not block and stays the caller's; nil where memory is short.
    public func makeSession(on descriptor: Int32) -> TLSSession? {
        guard let session = unsafe postern_tls_session_create(context, descriptor) else { return nil }
        return unsafe TLSSession(session)
    }
}
