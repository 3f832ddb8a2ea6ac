import Configuration
import Gateway
import SegmentLog

/// What must hold between settings.
extension ServerConfiguration {
    private typealias S = Settings

    /// All that is wrong though each value on its own is right.
    var problems: [SettingProblem] { networkProblems + accessProblems + storageProblems + memoryProblems }

    private var networkProblems: [SettingProblem] {
        var problems: [SettingProblem] = []
        let certificates = values[S.tlsCert]?.count ?? 0
        if certificates != values[S.tlsKey]?.count ?? 0 {
            let blamed: any SettingDescribing = certificates > 0 ? S.tlsCert : S.tlsKey
            problems.append(
                values.problem(
                    blamed,
                    "\(names(S.tlsCert, blamed)) and \(names(S.tlsKey, blamed)) must name as many files: "
                        + "each certificate has its key"))
        }
        if certificates == 0 { problems += wanting(S.tlsCert, [S.tlsClientCa, S.tlsMinVersion, S.redirectListen]) }
        if values[S.tlsClientCa] == nil { problems += wanting(S.tlsClientCa, [S.tlsClientAuth]) }
        if values[S.corsOrigin] == nil { problems += wanting(S.corsOrigin, [S.corsMaxAge]) }
        do throws(CrossOriginPolicy.Refusal) { _ = try crossOrigin() } catch {
            problems.append(values.problem(S.corsOrigin, "\(error)"))
        }
        return problems
    }

    private var accessProblems: [SettingProblem] {
        var problems: [SettingProblem] = []
        if values[S.proxyProtocol] == true, values[S.trustedProxies] == nil {
            problems += wanting(S.trustedProxies, [S.proxyProtocol])
        }
        guard access == nil else { return problems }
        let wanting: [any SettingDescribing] = [
            S.jwtIssuer, S.jwtAudience, S.jwtLeeway, S.tokenCookie, S.tokenParameter,
        ]
        for setting in wanting where values.given(setting) != nil {
            let keys = [S.tokens, S.jwtSecret, S.jwks].map { names($0, setting) } + [names(S.jwtKey, setting)]
            problems.append(
                values.problem(setting, "wants \(keys.dropLast().joined(separator: ", ")) or \(keys.last ?? "")"))
        }
        return problems
    }

    private var storageProblems: [SettingProblem] {
        guard dataDirectory != nil else { return wanting(S.dataDir, [S.durability]) }
        guard let bytes = values[S.retentionBytes], bytes < SegmentLogConfiguration.minimumBytes else { return [] }
        let least = UnitText.size(SegmentLogConfiguration.minimumBytes)
        return [
            values.problem(S.retentionBytes, "must be at least \(least) with \(names(S.dataDir, S.retentionBytes))")
        ]
    }

    private var memoryProblems: [SettingProblem] {
        let gateway = gateway
        var problems: [SettingProblem] = []
        if gateway.arenaMaximumBytes < gateway.arenaInitialBytes {
            problems.append(
                values.problem(
                    S.arenaMaxBytes, "must not be below \(names(S.arenaInitialBytes, S.arenaMaxBytes))"))
        }
        if gateway.arenaBudgetBytes < gateway.arenaMaximumBytes {
            problems.append(
                values.problem(
                    S.arenaBudgetBytes,
                    "must be at least what one arena may take, \(UnitText.size(gateway.arenaMaximumBytes))"))
        }
        return problems
    }

    /// Those of `settings` that are set and mean nothing without `wanted`.
    private func wanting(_ wanted: any SettingDescribing, _ settings: [any SettingDescribing]) -> [SettingProblem] {
        settings.filter { values.given($0) != nil }.map { values.problem($0, "wants \(names(wanted, $0))") }
    }

    /// A setting's name as whoever wrote `other` would write it.
    private func names(_ setting: any SettingDescribing, _ other: any SettingDescribing) -> String {
        switch values.given(other)?.origin {
        case .file: setting.key
        case .environment: setting.variable
        case .commandLine, nil: setting.flag
        }
    }
}
