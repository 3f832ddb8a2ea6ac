import PubSub
import Synchronization

/// A file that is made ready before it is wanted: it has its room, and zeroes are written all over it, so that a commit
/// into it finds its blocks there and need not wait for the file system's journal. The upkeep thread makes it, the writer
/// takes it.
final class SpareFile: Sendable {
    static let name = "spare"

    struct Ready: Sendable {
        var file: StorageFile
        var byteCount: Int
    }

    private let ready = Mutex<Ready?>(nil)

    /// Zeroes written at a time: a commit that comes meanwhile waits no longer than for these.
    private static let pieceBytes = 256 << 10

    var isReady: Bool { ready.withLock { $0 != nil } }
    var byteCount: Int { ready.withLock { $0?.byteCount ?? 0 } }

    /// The file, which stands under `name`; whoever takes it renames it.
    func take() -> Ready? {
        ready.withLock { ready in
            defer { ready = nil }
            return ready
        }
    }

    /// Makes one, where there is none.
    func prepare(_ storage: any LogStorage, byteCount: Int, while goesOn: () -> Bool) throws(StorageError) {
        guard !isReady else { return }
        let file = try storage.open(Self.name, creating: true)
        let zeroes = Block(capacity: Self.pieceBytes)
        do throws(StorageError) {
            try storage.allocate(file, byteCount: byteCount)
            var offset = 0
            while offset < byteCount, goesOn() {
                let count = min(Self.pieceBytes, byteCount - offset)
                try storage.write(file, at: offset, from: zeroes, 0..<count)
                try storage.synchronize(file)
                offset += count
            }
        } catch {
            storage.close(file)
            try? storage.remove(Self.name)
            throw error
        }
        ready.withLock { $0 = Ready(file: file, byteCount: byteCount) }
    }

    /// Removes it, at the end.
    func discard(_ storage: any LogStorage) {
        guard let ready = take() else { return }
        storage.close(ready.file)
        try? storage.remove(Self.name)
    }
}
