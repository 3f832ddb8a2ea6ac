import TLS
import Telemetry

/// What is read again when an operator asks for it (SIGHUP). What is wrong with a file is told, and the old is kept.
struct ReloadableFiles: Sendable {
    let credentials: TLSCredentials?
    let logger: Logger

    func reload() {
        guard let credentials else { return logger.notice("nothing to read again: no file is configured") }
        do throws(TLSError) {
            try credentials.reload()
            logger.notice("certificates are read again")
        } catch {
            logger.error("certificates stay as they were", metadata: ["error": "\(error)"])
        }
    }
}
