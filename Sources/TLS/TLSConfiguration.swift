/// How a server speaks TLS, as an operator says it. Files are read when a `TLSContext` is made of it.
public struct TLSConfiguration: Sendable, Equatable {
    /// A certificate, with those between it and its authority, and its private key. PEM files.
    public struct Certificate: Sendable, Equatable {
        public var chainPath: String
        public var keyPath: String

        public init(chainPath: String, keyPath: String) {
            self.chainPath = chainPath
            self.keyPath = keyPath
        }
    }

    public enum Version: String, Sendable, CaseIterable {
        case tls12 = "1.2"
        case tls13 = "1.3"
    }

    /// Whether clients show a certificate.
    public enum ClientCertificates: Sendable, Equatable {
        case none
        /// One that is shown must be good; none need be shown.
        case optional(authoritiesPath: String)
        case required(authoritiesPath: String)
    }

    /// One at least. A client that names none of them (SNI, RFC 6066 section 3) is shown the first.
    public var certificates: [Certificate]
    /// Older ones are refused (RFC 8996).
    public var minimumVersion = Version.tls12
    public var clientCertificates = ClientCertificates.none

    public init(certificates: [Certificate]) { self.certificates = certificates }
}

/// Why certificates could not be used, in words for an operator: the file and what is wrong with it.
public struct TLSError: Error, CustomStringConvertible, Sendable, Equatable {
    public let description: String
}
