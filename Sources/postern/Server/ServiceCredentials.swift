import Glibc

/// Files that systemd hands over, readable by us alone (`LoadCredential=`, systemd.exec(5)). One that has the name of a
/// setting stands for it, unless the environment says something else: a server need not be told where it is.
enum ServiceCredentials {
    private static let names = [
        "postern.tokens": "POSTERN_TOKENS", "postern.tls-cert": "POSTERN_TLS_CERT",
        "postern.tls-key": "POSTERN_TLS_KEY",
        "postern.tls-client-ca": "POSTERN_TLS_CLIENT_CA", "postern.jwt-secret": "POSTERN_JWT_SECRET",
        "postern.jwks": "POSTERN_JWKS",
    ]

    /// Variables for the credentials that are there.
    static func variables(of environment: [String: String]) -> [String: String] {
        guard let directory = environment["CREDENTIALS_DIRECTORY"] else { return [:] }
        var variables: [String: String] = [:]
        for (name, variable) in names where environment[variable] == nil {
            let path = "\(directory)/\(name)"
            // unsafe: passes a C string for the length of the call.
            if unsafe access(path, R_OK) == 0 { variables[variable] = path }
        }
        return variables
    }
}
