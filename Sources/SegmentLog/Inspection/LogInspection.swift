import CLinux
import PubSub

/// What `postern log` does with a log that nobody serves: look at all of it, mend what can be mended, show it.
///
/// Blocks on I/O. Holds the directory's lock, so that no server has the log meanwhile.
public struct LogInspection {
    private let storage: any LogStorage
    private let identity: LogIdentity
    private let path: String

    /// - Throws: `OpenError`; a directory that holds no log is refused.
    public init(directory: String) throws(OpenError) {
        do throws(StorageError) { storage = try DirectoryStorage(path: directory) } catch {
            throw OpenError(error, directory)
        }
        path = directory
        identity = try Self.identity(storage, directory)
    }

    init(storage: any LogStorage, path: String) throws(OpenError) {
        self.storage = storage
        self.path = path
        identity = try Self.identity(storage, path)
    }

    private static func identity(_ storage: any LogStorage, _ path: String) throws(OpenError) -> LogIdentity {
        let configuration = SegmentLogConfiguration()
        let recovery = Recovery(configuration: configuration, storage: storage, nowMicroseconds: 0)
        do throws(Recovery.Failure) {
            guard let identity = try recovery.existingIdentity() else { throw .identity(.notALog) }
            return identity
        } catch {
            throw OpenError(error, path, configuration)
        }
    }

    /// What was found of one segment.
    public struct SegmentReport: Sendable {
        public var name: String
        public var messages = 0
        public var bytes = 0
        public var firstSequence: UInt64?
        public var lastSequence: UInt64?
        /// It has an index that says what is there.
        public var hasIndex = false
        /// Its index is there, and says something else than what is there.
        public var indexIsWrong = false
        /// Bytes that are no record any more, with something whole behind them.
        public var damagedBytes = 0
        /// Bytes behind the last whole append: they were being written when the last process ended.
        public var tornBytes = 0
        /// Messages that the index knows to be lost: readers are told of them.
        public var lostMessages: UInt64 = 0
        /// The index says of everything that is there that it is there, and of nothing else.
        public var isKnown = true

        /// There is nothing to mend.
        public var isGood: Bool { isKnown && !indexIsWrong }
    }

    /// Reads every record of every segment.
    public func verify(_ body: (SegmentReport) -> Void) throws(OpenError) {
        do throws(StorageError) { for name in try segmentNames() { body(try look(at: name)) } } catch {
            throw OpenError(error, path)
        }
    }

    /// Makes the index of each segment anew that has none, a wrong one, or damage that it does not know of. Messages
    /// that are damaged stay lost; readers are told of the gap.
    /// - Parameter body: told of each segment that was mended, as it was before.
    public func repair(_ body: (SegmentReport) -> Void) throws(OpenError) {
        let sealer = SegmentSealer(storage: storage, identity: identity)
        do throws(StorageError) {
            let names = try segmentNames()
            for name in names {
                let report = try look(at: name)
                guard !report.hasIndex || !report.isGood else { continue }
                _ = try sealer.seal(name, try sealer.closing(name, before: names.following(name)))
                body(report)
            }
        } catch {
            throw OpenError(error, path)
        }
    }

    /// Hands out every message, whole, as it would be delivered, in order; what retention would not show any more is
    /// among them.
    /// - Returns: how many ranges of bytes were left out as damaged.
    public func dump(_ body: (_ topic: Span<UInt8>, _ message: Span<UInt8>) -> Void) throws(OpenError) -> Int {
        var damaged = 0
        do throws(StorageError) {
            for name in try segmentNames() {
                let (window, limit, closing) = try open(name)
                var scanner = SegmentScanner(
                    window: window, tag: identity.tag, limit: limit, isClosed: closing != nil)
                scan: while true {
                    switch try scanner.next() {
                    case .record(let header, let offset):
                        guard header.kind == .message, let at = try window.bring(offset, header.byteCount) else {
                            continue
                        }
                        let block = window.block
                        body(
                            block.span(at + header.topicRange.lowerBound..<at + header.topicRange.upperBound),
                            block.span(at + header.messageRange.lowerBound..<at + header.messageRange.upperBound))
                    case .damage: damaged += 1
                    case .end(let end, _):
                        if let dataEnd = closing?.dataEnd, end < dataEnd { damaged += 1 }
                        break scan
                    }
                }
            }
        } catch {
            throw OpenError(error, path)
        }
        return damaged
    }

    private func segmentNames() throws(StorageError) -> [SegmentName] {
        try storage.list().compactMap { SegmentName($0) }.sorted()
    }

    /// A window on a segment, where its records end at the latest, and what shows that it was closed.
    private func open(_ name: SegmentName) throws(StorageError) -> (FileWindow, limit: Int, SegmentClosing?) {
        let window = FileWindow(storage: storage, smallestAhead: 256 << 10, largestAhead: 1 << 20)
        try window.open(name.text)
        let closing = try SegmentSealer(storage: storage, identity: identity).closing(name, before: nil)
        if let dataEnd = closing?.dataEnd { return (window, dataEnd, closing) }
        guard let file = window.file else { return (window, 0, closing) }
        return (window, try storage.size(of: file), closing)
    }

    private func look(at name: SegmentName) throws(StorageError) -> SegmentReport {
        var report = SegmentReport(name: name.text)
        let sealed = try SegmentSealer(storage: storage, identity: identity).sealed(name)
        report.hasIndex = sealed != nil
        let (window, limit, closing) = try open(name)
        var scanner = SegmentScanner(window: window, tag: identity.tag, limit: limit, isClosed: closing != nil)
        scan: while true {
            switch try scanner.next() {
            case .record(let header, _):
                guard header.kind == .message else { continue }
                report.messages += 1
                report.bytes += header.messageRange.count
                report.firstSequence = report.firstSequence ?? header.sequence
                report.lastSequence = header.sequence
            case .damage(let range): report.damagedBytes += range.count
            case .end(let end, let tornBytes):
                // Behind the end of a segment that is closed nothing is torn: it is damaged.
                if let dataEnd = closing?.dataEnd { report.damagedBytes += dataEnd - end }
                report.tornBytes = tornBytes
                break scan
            }
        }
        guard let sealed else {
            // It was closed once, and what it was closed with has changed.
            report.indexIsWrong = closing != nil
            return report
        }
        report.isKnown = sealed.messageCount == report.messages
        report.indexIsWrong = !report.isKnown && report.damagedBytes == 0
        for range in try SegmentContents(storage: storage, identity: identity).damage(in: sealed) {
            report.lostMessages += range.last - range.first + 1
        }
        return report
    }
}
