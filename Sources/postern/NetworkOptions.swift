import ArgumentParser
import Gateway
import TLS

/// Who reaches the server, and over what.
struct NetworkOptions: ParsableArguments {
    static let names = [
        "--listen", "--admin-listen", "--redirect-listen", "--open", "--tls-cert", "--tls-key", "--tls-client-ca",
        "--tls-client-auth", "--tls-min-version", "--cors-origin", "--cors-max-age",
    ]

    @Option(
        help: ArgumentHelp(
            "Where to listen. Port 0 picks a free one and prints it. (default: 127.0.0.1:8080)", valueName: "host:port"),
        transform: OptionValues.listenAddress)
    var listen: ListenAddress?

    @Option(
        help: ArgumentHelp(
            """
            Where whoever connects is served everything without a token, operators' /metrics, console and changes of \
            topics too; keep it on loopback. Clients elsewhere need an operator's token for those. (default: none)
            """, valueName: "host:port"),
        transform: OptionValues.listenAddress)
    var adminListen: ListenAddress?

    @Option(
        help: ArgumentHelp(
            "Where plain HTTP is answered with a redirect to https. Wants --tls-cert. (default: none)",
            valueName: "host:port"),
        transform: OptionValues.listenAddress)
    var redirectListen: ListenAddress?

    @Option(
        help: ArgumentHelp(
            "Listen beyond this machine though anyone may publish and read: on or off. (default: off)",
            valueName: "on|off"),
        transform: OptionValues.toggle)
    var open: Bool?

    @Option(
        help: ArgumentHelp(
            """
            Certificates, each with those between it and its authority: PEM files, joined by commas. Each client is shown \
            the one that has the name it asks for, others the first. SIGHUP reads them again. (default: no TLS)
            """, valueName: "file"),
        transform: OptionValues.list)
    var tlsCert: [String] = []

    @Option(
        help: ArgumentHelp("Their private keys, in the same order: PEM files, joined by commas.", valueName: "file"),
        transform: OptionValues.list)
    var tlsKey: [String] = []

    @Option(
        help: ArgumentHelp("Authorities of clients' certificates: a PEM file. (default: none)", valueName: "file"))
    var tlsClientCa: String?

    @Option(
        help: ArgumentHelp(
            "Whether clients show a certificate: required or optional. Wants --tls-client-ca. (default: required)",
            valueName: "mode"))
    var tlsClientAuth: ClientAuthentication?

    @Option(
        name: .customLong("tls-min-version"),
        help: ArgumentHelp("Oldest TLS spoken: 1.2 or 1.3. (default: 1.2)", valueName: "version"))
    var tlsMinimumVersion: TLSConfiguration.Version?

    @Option(
        help: ArgumentHelp(
            "Origins whose pages may use the server from a browser, joined by commas; * for all. (default: none)",
            valueName: "origin"),
        transform: OptionValues.list)
    var corsOrigin: [String] = []

    @Option(
        help: ArgumentHelp(
            "How long a browser may remember what it was told of them: 0s to 1d. (default: 10m)", valueName: "time"),
        transform: OptionValues.milliseconds(0...86_400_000))
    var corsMaxAge: Int?

    enum ClientAuthentication: String, ExpressibleByArgument, CaseIterable { case required, optional }

    func validate() throws {
        guard tlsCert.count == tlsKey.count else {
            throw ValidationError("--tls-cert and --tls-key must name as many files: each certificate has its key")
        }
        if tlsCert.isEmpty {
            let wanting: [(String, Bool)] = [
                ("--tls-client-ca", tlsClientCa != nil), ("--tls-min-version", tlsMinimumVersion != nil),
                ("--redirect-listen", redirectListen != nil),
            ]
            for (name, isThere) in wanting where isThere { throw ValidationError("\(name) wants --tls-cert") }
        }
        if tlsClientAuth != nil, tlsClientCa == nil {
            throw ValidationError("--tls-client-auth wants --tls-client-ca")
        }
        if !corsOrigin.isEmpty { _ = try crossOrigin() }
        if corsMaxAge != nil, corsOrigin.isEmpty { throw ValidationError("--cors-max-age wants --cors-origin") }
    }

    func crossOrigin() throws -> CrossOriginPolicy? {
        guard !corsOrigin.isEmpty else { return nil }
        do throws(CrossOriginPolicy.Refusal) {
            var policy = try CrossOriginPolicy(origins: corsOrigin)
            if let corsMaxAge { policy.maximumAgeSeconds = corsMaxAge / 1000 }
            return policy
        } catch {
            throw ValidationError("--cors-origin: \(error)")
        }
    }

    var tls: TLSConfiguration? {
        guard !tlsCert.isEmpty else { return nil }
        var configuration = TLSConfiguration(
            certificates: zip(tlsCert, tlsKey).map { .init(chainPath: $0, keyPath: $1) })
        configuration.minimumVersion = tlsMinimumVersion ?? .tls12
        if let tlsClientCa {
            configuration.clientCertificates =
                tlsClientAuth == .optional
                ? .optional(authoritiesPath: tlsClientCa) : .required(authoritiesPath: tlsClientCa)
        }
        return configuration
    }

    /// Whether every client has to show a certificate before it is served anything.
    var wantsClientCertificate: Bool { tlsClientCa != nil && tlsClientAuth != .optional }
}

extension TLSConfiguration.Version: ExpressibleByArgument {}
