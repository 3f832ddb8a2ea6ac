import Configuration
import Gateway
import TLS

/// Who reaches the server, and over what.
extension Settings {
    static let listen = Setting(
        "listen", .address, default: ListenAddress(host: "127.0.0.1", port: 8080),
        "Where to listen. Port 0 picks a free one and prints it.")
    static let adminListen = Setting(
        "admin-listen", .address, defaultText: "none",
        """
        Where whoever connects is served everything without a token, operators' /metrics, console and changes of topics \
        too; keep it on loopback. Clients elsewhere need an operator's token for those.
        """)
    static let redirectListen = Setting(
        "redirect-listen", .address, defaultText: "none",
        "Where plain HTTP is answered with a redirect to https. Wants a certificate.")
    static let open = Setting(
        "open", .toggle, default: false,
        "Listen beyond this machine though anyone may publish and read: on or off.")
    static let tlsCert = Setting(
        "tls-cert", .paths(), defaultText: "no TLS", live: true,
        """
        Certificates, each with those between it and its authority: PEM files, joined by commas. Each client is shown the \
        one that has the name it asks for, others the first.
        """)
    static let tlsKey = Setting(
        "tls-key", .paths(), defaultText: "none", live: true,
        "Their private keys, in the same order: PEM files, joined by commas.")
    static let tlsClientCa = Setting(
        "tls-client-ca", .path(), defaultText: "none", live: true, "Authorities of clients' certificates: a PEM file.")
    static let tlsClientAuth = Setting(
        "tls-client-auth", .clientAuthentication, default: .required, live: true,
        "Whether clients show a certificate where their authorities are named")
    static let tlsMinVersion = Setting(
        "tls-min-version", .tlsVersion, default: .tls12, live: true, "Oldest TLS spoken")
    static let corsOrigin = Setting(
        "cors-origin", .list("origin"), defaultText: "none",
        "Origins whose pages may use the server from a browser, joined by commas; * for all.")
    static let corsMaxAge = Setting(
        "cors-max-age", .time(0...86_400_000), default: 600_000,
        "How long a browser may remember what it was told of them")

    static let network = SettingGroup(
        "Network",
        [
            listen, adminListen, redirectListen, open, tlsCert, tlsKey, tlsClientCa, tlsClientAuth, tlsMinVersion,
            corsOrigin, corsMaxAge,
        ])

    /// What certificates are read by: taken up together or not at all.
    static let certificates: [any SettingDescribing] = [tlsCert, tlsKey, tlsClientCa, tlsClientAuth, tlsMinVersion]

    enum ClientAuthentication: String, CaseIterable, Sendable { case required, optional }
}

extension SettingForm where Value == ListenAddress {
    fileprivate static var address: Self {
        Self(
            valueName: "host:port",
            read: { written throws(SettingRefusal) in
                guard let address = ListenAddress(written) else {
                    throw SettingRefusal("HOST:PORT is wanted, with a port from 0 to 65535, not '\(written)'")
                }
                return address
            }, text: { $0.text })
    }
}

extension SettingForm where Value == Settings.ClientAuthentication {
    fileprivate static var clientAuthentication: Self { choice("mode") }
}

extension SettingForm where Value == TLSConfiguration.Version {
    fileprivate static var tlsVersion: Self { choice("version") }
}
