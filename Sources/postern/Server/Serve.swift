import Access
import ArgumentParser
import Configuration
import Gateway
import Glibc
import SegmentLog
import TLS
import Telemetry

struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve the gateway until SIGTERM or SIGINT.",
        discussion: """
            Each setting has one name in three spellings: --max-body-bytes here, POSTERN_MAX_BODY_BYTES in the \
            environment, max_body_bytes in a file (--config). The command line beats the environment, which beats the \
            file. Sizes take KiB, MiB, GiB; times take ms, s, m, h, d.
            """)

    @OptionGroup var flags: ServerFlags

    func run() throws {
        let sources = SettingSources(flags)
        let server = try Self.checked(sources)
        bootstrapLogging(level: server.logLevel)
        let logger = Logger(label: "postern")
        let inherited: InheritedListeners
        do throws(ServiceSockets.Refusal) { inherited = try ServiceSockets.take(speaksTLS: server.tls != nil) } catch {
            StandardStream.complain("\(error)")
            throw ExitCode(EX_CONFIG)
        }
        let exposure = Exposure(server, inherited: inherited)
        for refusal in exposure.refusals { StandardStream.complain(refusal) }
        guard exposure.refusals.isEmpty else { throw ExitCode(EX_CONFIG) }
        for warning in exposure.warnings {
            logger.warning("\(warning.message)", metadata: ["address": "\(warning.address)"])
        }
        var configuration = server.gateway
        configuration.adopt(inherited)
        configuration.credentials = try loadCredentials(server)
        configuration.access = try loadTokens(server, logger)
        let storage = server.dataDirectory == nil ? nil : StorageMetrics()
        let log = try openLog(server, storage, logger)
        let reload = Reload(sources: sources, running: server, logger: logger)
        let gateway: Gateway
        do throws(GatewayStartError) {
            gateway = try Gateway(
                configuration: configuration, log: log, storage: storage, version: Version.text,
                onDrain: { ServiceManager.notify("STOPPING=1\nSTATUS=draining") }, onReload: { reload.request() })
        } catch {
            // A person's mistake or a taken port: one line, no trace.
            log?.end()
            StandardStream.complain("\(error)")
            throw ExitCode(EX_UNAVAILABLE)
        }
        reload.start(gateway)
        warnOfFewFiles(gateway, logger)
        gateway.start()
        announce(gateway)
        logger.info(
            "serving",
            metadata: [
                "address": "\(gateway.boundAddress)", "loops": "\(gateway.configuration.loops)",
                "version": "\(Version.text)", "open_files_limit": "\(gateway.openFilesLimit)",
            ])
        let reports = ServiceReports(gateway: gateway, logger: logger, address: gateway.boundAddress)
        ServiceManager.notify("READY=1\nSTATUS=\(reports.statusText())")
        reports.start()
        gateway.join()
        logger.info("ended")
    }

    /// The settings; where anything is wrong with them all of it is told, and the process ends.
    static func checked(_ sources: SettingSources) throws -> ServerConfiguration {
        let (values, problems) = sources.gather()
        let server = ServerConfiguration(values: values)
        let all = problems + server.problems
        for problem in all { StandardStream.complain("\(problem)") }
        guard all.isEmpty else { throw ExitCode(all.contains(where: \.isInFile) ? EX_CONFIG : EX_USAGE) }
        return server
    }

    /// Says where it listens, for those who wait for it.
    private func announce(_ gateway: Gateway) {
        let scheme = gateway.configuration.credentials == nil ? "http" : "https"
        StandardStream.output("postern: listening on \(scheme)://\(gateway.boundAddress)\n")
        if let address = gateway.operatorsAddress {
            StandardStream.output("postern: operators are served on http://\(address)\n")
        }
        if let address = gateway.redirectAddress {
            StandardStream.output("postern: http://\(address) sends clients to https\n")
        }
    }

    private func loadTokens(_ server: ServerConfiguration, _ logger: Logger) throws -> Authenticator? {
        guard let configuration = server.access else { return nil }
        do throws(AccessError) {
            let authenticator = try Authenticator(configuration)
            for warning in authenticator.warnings { logger.warning("\(warning)") }
            return authenticator
        } catch {
            for problem in error.problems { StandardStream.complain(problem) }
            throw ExitCode(EX_CONFIG)
        }
    }

    private func loadCredentials(_ server: ServerConfiguration) throws -> TLSCredentials? {
        guard let configuration = server.tls else { return nil }
        do throws(TLSError) { return try TLSCredentials(configuration) } catch {
            StandardStream.complain("\(error)")
            throw ExitCode(EX_CONFIG)
        }
    }

    /// Opens the log on disk, where one is wanted.
    private func openLog(
        _ server: ServerConfiguration, _ storage: StorageMetrics?, _ logger: Logger
    ) throws -> SegmentLog? {
        guard let directory = server.dataDirectory else { return nil }
        do throws(OpenError) {
            let (log, report) = try SegmentLog.open(
                directory: directory, configuration: server.storage, observer: storage)
            logger.info(
                "opened the log",
                metadata: [
                    "directory": "\(directory)", "segments": "\(report.segments)", "messages": "\(report.messages)",
                    "recovered_segments": "\(report.recoveredSegments)", "torn_bytes": "\(report.tornBytes)",
                    "damaged_ranges": "\(report.damage.count)",
                    "milliseconds": "\(Int(report.seconds * 1000))",
                ])
            for range in report.damage {
                storage?.happened(.foundDamage(segment: range.segment, first: range.first, last: range.last))
            }
            return log
        } catch {
            StandardStream.complain("\(error)")
            throw ExitCode(EX_CONFIG)
        }
    }

    /// Descriptors that are not connections: listeners, epoll, wake-ups, standard streams.
    private static let otherFiles = 64

    private func warnOfFewFiles(_ gateway: Gateway, _ logger: Logger) {
        let wanted = gateway.configuration.maximumConnections + Self.otherFiles
        guard gateway.openFilesLimit < wanted else { return }
        logger.warning(
            "the limit of open files is below --max-connections; raise it (ulimit -n, LimitNOFILE=)",
            metadata: ["open_files_limit": "\(gateway.openFilesLimit)", "wanted": "\(wanted)"])
    }
}
