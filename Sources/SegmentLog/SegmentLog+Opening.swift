import CLinux
import PubSub

extension SegmentLog {
    /// Opens the log in a directory, and makes one where it is empty. Another process that has it is refused.
    ///
    /// Reads all segments' indexes, and what was being written when the last process ended; it blocks meanwhile.
    /// - Throws: `OpenError`, in words for an operator.
    public static func open(
        directory: String, configuration: SegmentLogConfiguration, observer: (any SegmentLogObserver)? = nil
    ) throws(OpenError) -> (log: SegmentLog, report: RecoveryReport) {
        let storage: DirectoryStorage
        do throws(StorageError) { storage = try DirectoryStorage(path: directory) } catch {
            throw OpenError(error, directory)
        }
        return try open(
            storage: storage, path: directory, configuration: configuration, observer: observer)
    }

    static func open(
        storage: any LogStorage, path: String, configuration: SegmentLogConfiguration,
        observer: (any SegmentLogObserver)?,
        clock: @escaping @Sendable () -> Int64 = { postern_realtime_microseconds() }
    ) throws(OpenError) -> (log: SegmentLog, report: RecoveryReport) {
        let began = postern_monotonic_nanoseconds()
        let recovery = Recovery(configuration: configuration, storage: storage, nowMicroseconds: clock())
        do throws(Recovery.Failure) {
            let identity = try recovery.identity()
            var recovered = try recovery.recover(identity)
            recovered.report.seconds = Double(postern_monotonic_nanoseconds() - began) / 1e9
            let report = recovered.report
            let log = SegmentLog(
                configuration: configuration, storage: storage, identity: identity, recovered: recovered,
                observer: observer, clock: clock)
            log.enforceBounds()
            try log.prepareFirstSegment()
            return (log, report)
        } catch {
            throw OpenError(error, path, configuration)
        }
    }
}

extension OpenError {
    init(_ error: StorageError, _ path: String) {
        self =
            switch error.number {
            case ErrorNumber.noEntry where error.file == path: .missing(path)
            case ErrorNumber.notADirectory: .notADirectory(path)
            case ErrorNumber.accessDenied, ErrorNumber.readOnly: .notAllowed(path)
            case ErrorNumber.wouldBlock: .inUse(path)
            default: .failed(path, call: error.call, file: error.file == path ? "" : error.file, number: error.number)
            }
    }

    init(_ failure: Recovery.Failure, _ path: String, _ configuration: SegmentLogConfiguration) {
        self =
            switch failure {
            case .storage(let error): OpenError(error, path)
            case .tooManyTopics: .tooManyTopics(limit: configuration.maximumTopics)
            case .identity(.notALog): .notALog(path)
            case .identity(.newerVersion(let version)): .newerVersion(path, version)
            case .identity(.damaged): .damagedIdentity(path)
            }
    }
}
