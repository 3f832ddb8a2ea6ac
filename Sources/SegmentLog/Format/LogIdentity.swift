import Arenas
import PubSub

/// The file that tells one log from every other: its epoch, and the secrets its records and hashes are made with.
struct LogIdentity: Equatable {
    static let fileName = "identity"
    static let temporaryName = "identity.new"
    static let byteCount = 64

    var epoch: Epoch
    /// Stands in every record, so that what a client wrote into a message is never taken for one.
    var tag: UInt32
    /// Under which idempotency keys and topics are hashed.
    var key0: UInt64
    var key1: UInt64
    var createdMicroseconds: Int64

    /// Of idempotency keys and topics' names.
    var hash: KeyedHash { KeyedHash(key0: key0, key1: key1) }

    static func random(nowMicroseconds: Int64) -> LogIdentity {
        LogIdentity(
            epoch: .random(), tag: .random(in: 1 ... .max), key0: .random(in: .min ... .max),
            key1: .random(in: .min ... .max), createdMicroseconds: nowMicroseconds)
    }

    func write(to block: Block) {
        block.fill(0..<Self.byteCount)
        block.store(LogFormat.identityMagic, at: 0)
        block.store(LogFormat.version, at: 8)
        block.store(tag, at: 12)
        block.store(epoch.rawValue, at: 16)
        block.store(key0, at: 24)
        block.store(key1, at: 32)
        block.store(createdMicroseconds, at: 40)
        block.store(block.checksum(0..<60), at: 60)
    }

    enum Refusal: Error, Equatable {
        case notALog
        case newerVersion(UInt32)
        case damaged
    }

    init(
        epoch: Epoch, tag: UInt32, key0: UInt64, key1: UInt64, createdMicroseconds: Int64
    ) {
        self.epoch = epoch
        self.tag = tag
        self.key0 = key0
        self.key1 = key1
        self.createdMicroseconds = createdMicroseconds
    }

    init(parsing block: Block, byteCount: Int) throws(Refusal) {
        guard byteCount >= 12, block.load(0, as: UInt64.self) == LogFormat.identityMagic else { throw .notALog }
        let version = block.load(8, as: UInt32.self)
        guard version <= LogFormat.version else { throw .newerVersion(version) }
        guard byteCount == Self.byteCount, block.load(60, as: UInt32.self) == block.checksum(0..<60) else {
            throw .damaged
        }
        tag = block.load(12)
        epoch = Epoch(rawValue: block.load(16))
        key0 = block.load(24)
        key1 = block.load(32)
        createdMicroseconds = block.load(40)
    }
}
