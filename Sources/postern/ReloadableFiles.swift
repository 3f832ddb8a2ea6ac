import Access
import TLS
import Telemetry

/// What is read again when an operator asks for it (SIGHUP). What is wrong with a file is told, and the old is kept.
struct ReloadableFiles: Sendable {
    let credentials: TLSCredentials?
    let access: Authenticator?
    let logger: Logger

    func reload() {
        ServiceManager.notify("RELOADING=1")
        if credentials == nil, access == nil { logger.notice("nothing to read again: no file is configured") }
        reloadCertificates()
        reloadTokens()
        ServiceManager.notify("READY=1")
    }

    private func reloadCertificates() {
        guard let credentials else { return }
        do throws(TLSError) {
            try credentials.reload()
            logger.notice("certificates are read again")
        } catch {
            logger.error("certificates stay as they were", metadata: ["error": "\(error)"])
        }
    }

    private func reloadTokens() {
        guard let access else { return }
        do throws(AccessError) {
            for warning in try access.reload() { logger.warning("\(warning)") }
            logger.notice("tokens and keys are read again", metadata: ["tokens": "\(access.staticTokenCount)"])
        } catch {
            for problem in error.problems {
                logger.error("tokens and keys stay as they were", metadata: ["error": "\(problem)"])
            }
        }
    }
}
