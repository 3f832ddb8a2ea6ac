@testable import SegmentLog

/// A disk that forgets: what was not synchronized may be lost, kept, or kept in part when the power goes.
///
/// Everything it does follows from one seed. Writes reach the disk by sectors, in any order, unless they were synchronized;
/// names of files by a prefix of what was done to them, as a journal keeps them. Any call can be made to fail.
final class SimulatedStorage: LogStorage, @unchecked Sendable {
    private final class Inode {
        var current: [UInt8] = []
        var durable: [UInt8] = []
        var pending: [Change] = []
    }

    private enum Change {
        case write(offset: Int, bytes: [UInt8])
        case resize(Int)
    }

    private var names: [String: Inode] = [:]
    private var durableNames: [String: Inode] = [:]
    private var pendingNames: [[String: Inode]] = []
    private var open: [Int32: (name: String, inode: Inode)] = [:]
    private var nextDescriptor: Int32 = 3
    private var random: SeededGenerator

    /// Asked before each call; an error number makes the call fail.
    var fault: (_ call: String, _ file: String) -> Int32? = { _, _ in nil }
    /// Bytes that all files may take together.
    var capacity = Int.max
    private(set) var calls = 0
    private(set) var synchronizations = 0

    private static let sectorBytes = 512

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    // MARK: What may happen to it

    /// The power goes, and comes back.
    func crash() {
        open = [:]
        if !pendingNames.isEmpty {
            let kept = Int.random(in: 0...pendingNames.count, using: &random)
            if kept > 0 { durableNames = pendingNames[kept - 1] }
            pendingNames = []
        }
        names = durableNames
        var seen: [ObjectIdentifier: Inode] = [:]
        for inode in names.values { seen[ObjectIdentifier(inode)] = inode }
        // In the order of their names, so that a seed does the same each time.
        for (_, inode) in names.sorted(by: { $0.key < $1.key }) {
            guard seen.removeValue(forKey: ObjectIdentifier(inode)) != nil else { continue }
            settle(inode)
        }
    }

    /// A process ends without a word: nothing that was written is lost.
    func kill() { open = [:] }

    private func settle(_ inode: Inode) {
        // Sometimes nothing of it got there, sometimes all.
        let luck = Int.random(in: 0..<4, using: &random)
        for change in inode.pending {
            switch change {
            case .resize(let size):
                if luck == 0 { continue }
                if luck == 1 || Bool.random(using: &random) { Self.resize(&inode.durable, size) }
            case .write(let offset, let bytes):
                var done = 0
                while done < bytes.count {
                    let end = min(
                        bytes.count, (offset + done) / Self.sectorBytes * Self.sectorBytes + Self.sectorBytes - offset)
                    let isKept = luck == 1 || (luck > 1 && Bool.random(using: &random))
                    if isKept {
                        if inode.durable.count < offset + end { Self.resize(&inode.durable, offset + end) }
                        for index in done..<end { inode.durable[offset + index] = bytes[index] }
                    }
                    done = end
                }
            }
        }
        inode.pending = []
        inode.current = inode.durable
    }

    /// Changes one byte, as a disk does that rots.
    func flip(_ name: String, at offset: Int) {
        guard let inode = names[name], offset < inode.current.count else { return }
        inode.current[offset] ^= 0x55
        inode.durable = inode.current
    }

    func bytes(of name: String) -> [UInt8]? { names[name]?.current }

    var fileNames: [String] { names.keys.sorted() }

    private static func resize(_ bytes: inout [UInt8], _ size: Int) {
        if bytes.count > size {
            bytes.removeLast(bytes.count - size)
        } else {
            bytes += [UInt8](repeating: 0, count: size - bytes.count)
        }
    }

    private var usedBytes: Int { names.values.reduce(0) { $0 + $1.current.count } }

    private func check(_ call: String, _ file: String = "") throws(StorageError) {
        calls += 1
        if let number = fault(call, file) { throw StorageError(number: number, call: call, file: file) }
    }

    private func checkRoom(_ inode: Inode, _ size: Int, _ call: String, _ name: String) throws(StorageError) {
        guard size > inode.current.count, usedBytes + size - inode.current.count > capacity else { return }
        throw StorageError(number: ErrorNumber.noSpace, call: call, file: name)
    }

    private func changeNames(_ body: (inout [String: Inode]) -> Void) {
        body(&names)
        pendingNames.append(names)
    }

    private func entry(_ file: StorageFile) -> (name: String, inode: Inode) {
        guard let entry = open[file.number] else { preconditionFailure("a file is used that is not open") }
        return entry
    }

    // MARK: LogStorage

    func list() throws(StorageError) -> [String] {
        try check("list")
        return names.keys.sorted()
    }

    func open(_ name: String, creating: Bool) throws(StorageError) -> StorageFile {
        try check("open", name)
        if creating {
            guard names[name] == nil else {
                throw StorageError(number: ErrorNumber.exists, call: "open", file: name)
            }
            changeNames { $0[name] = Inode() }
        }
        guard let inode = names[name] else {
            throw StorageError(number: ErrorNumber.noEntry, call: "open", file: name)
        }
        nextDescriptor += 1
        open[nextDescriptor] = (name, inode)
        return StorageFile(number: nextDescriptor)
    }

    func close(_ file: StorageFile) { open[file.number] = nil }

    func size(of file: StorageFile) throws(StorageError) -> Int {
        try check("fstat", entry(file).name)
        return entry(file).inode.current.count
    }

    func read(_ file: StorageFile, at offset: Int, into block: Block, _ range: Range<Int>) throws(StorageError) -> Int {
        let (name, inode) = entry(file)
        try check("pread", name)
        let count = max(0, min(range.count, inode.current.count - offset))
        if count > 0 { block.store(inode.current[offset..<offset + count].span, at: range.lowerBound) }
        return count
    }

    func write(_ file: StorageFile, at offset: Int, from block: Block, _ range: Range<Int>) throws(StorageError) {
        let (name, inode) = entry(file)
        var bytes = range.map { block.load($0, as: UInt8.self) }
        do throws(StorageError) {
            try check("pwrite", name)
            try checkRoom(inode, offset + bytes.count, "pwrite", name)
        } catch {
            // A part of it may have got through.
            bytes.removeLast(Int.random(in: 0...bytes.count, using: &random))
            if offset + bytes.count <= inode.current.count { put(bytes, offset, inode) }
            throw error
        }
        put(bytes, offset, inode)
    }

    private func put(_ bytes: [UInt8], _ offset: Int, _ inode: Inode) {
        if inode.current.count < offset + bytes.count { Self.resize(&inode.current, offset + bytes.count) }
        inode.current.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        inode.pending.append(.write(offset: offset, bytes: bytes))
    }

    func allocate(_ file: StorageFile, byteCount: Int) throws(StorageError) {
        let (name, inode) = entry(file)
        try check("fallocate", name)
        try checkRoom(inode, byteCount, "fallocate", name)
        guard byteCount > inode.current.count else { return }
        Self.resize(&inode.current, byteCount)
        inode.pending.append(.resize(byteCount))
    }

    func truncate(_ file: StorageFile, to byteCount: Int) throws(StorageError) {
        let (name, inode) = entry(file)
        try check("ftruncate", name)
        Self.resize(&inode.current, byteCount)
        inode.pending.append(.resize(byteCount))
    }

    func synchronize(_ file: StorageFile) throws(StorageError) {
        let (name, inode) = entry(file)
        do throws(StorageError) { try check("fdatasync", name) } catch {
            // The kernel gives up what it could not write, and would say yes if it were asked again.
            inode.pending = []
            throw error
        }
        synchronizations += 1
        for change in inode.pending {
            switch change {
            case .resize(let size): Self.resize(&inode.durable, size)
            case .write(let offset, let bytes):
                if inode.durable.count < offset + bytes.count { Self.resize(&inode.durable, offset + bytes.count) }
                inode.durable.replaceSubrange(offset..<offset + bytes.count, with: bytes)
            }
        }
        inode.pending = []
    }

    func synchronizeDirectory() throws(StorageError) {
        try check("fsync")
        durableNames = names
        pendingNames = []
    }

    func rename(_ name: String, to other: String) throws(StorageError) {
        try check("rename", name)
        guard let inode = names[name] else {
            throw StorageError(number: ErrorNumber.noEntry, call: "rename", file: name)
        }
        changeNames {
            $0[name] = nil
            $0[other] = inode
        }
        for (number, entry) in open where entry.name == name && entry.inode === inode { open[number] = (other, inode) }
    }

    func remove(_ name: String) throws(StorageError) {
        try check("unlink", name)
        guard names[name] != nil else {
            throw StorageError(number: ErrorNumber.noEntry, call: "unlink", file: name)
        }
        changeNames { $0[name] = nil }
    }
}

/// A generator whose numbers follow from a seed (SplitMix64, Steele and others, 2014).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
