import Glibc

/// The files of a log in a directory of the file system.
// unsafe: passes C strings and block memory to system calls for the length of the call.
final class DirectoryStorage: LogStorage {
    private let directory: Int32
    private let lockFile: Int32

    static let lockName = "lock"

    /// Opens a directory and locks it against other processes.
    /// - Throws: `StorageError`; `EWOULDBLOCK` where another process has it.
    init(path: String) throws(StorageError) {
        directory = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw StorageError(number: errno, call: "open", file: path) }
        lockFile = unsafe openat(directory, Self.lockName, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lockFile >= 0 else {
            let number = errno
            Glibc.close(directory)
            throw StorageError(number: number, call: "open", file: Self.lockName)
        }
        guard flock(lockFile, LOCK_EX | LOCK_NB) == 0 else {
            let number = errno
            Glibc.close(lockFile)
            Glibc.close(directory)
            throw StorageError(number: number, call: "flock", file: Self.lockName)
        }
    }

    deinit {
        Glibc.close(lockFile)
        Glibc.close(directory)
    }

    private func failure(_ call: String, _ file: String = "") -> StorageError {
        StorageError(number: errno, call: call, file: file)
    }

    private func failure(_ call: String, _ file: StorageFile) -> StorageError {
        failure(call, name(of: file))
    }

    /// The file's name, for people; asked of the system only when something failed.
    private func name(of file: StorageFile) -> String {
        let number = errno
        defer { errno = number }
        var text = [CChar](repeating: 0, count: 4096)
        let count = unsafe readlink("/proc/self/fd/\(file.number)", &text, text.count - 1)
        guard count > 0 else { return "" }
        let path = String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return path.split(separator: "/").last.map(String.init) ?? path
    }

    func list() throws(StorageError) -> [String] {
        let copy = unsafe openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0, let stream = unsafe fdopendir(copy) else { throw failure("opendir") }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != "..", name != Self.lockName { names.append(name) }
        }
        return names
    }

    func open(_ name: String, creating: Bool) throws(StorageError) -> StorageFile {
        let flags = O_RDWR | O_CLOEXEC | (creating ? O_CREAT | O_EXCL : 0)
        let number = unsafe openat(directory, name, flags, 0o600)
        guard number >= 0 else { throw failure("open", name) }
        return StorageFile(number: number)
    }

    func close(_ file: StorageFile) { Glibc.close(file.number) }

    func size(of file: StorageFile) throws(StorageError) -> Int {
        var status = stat()
        guard unsafe fstat(file.number, &status) == 0 else { throw failure("fstat", file) }
        return Int(status.st_size)
    }

    func read(_ file: StorageFile, at offset: Int, into block: Block, _ range: Range<Int>) throws(StorageError) -> Int {
        var done = 0
        while done < range.count {
            let rest = range.lowerBound + done..<range.upperBound
            let count = unsafe pread(file.number, block.address(rest), rest.count, offset + done)
            if count < 0 {
                if errno == EINTR { continue }
                throw failure("pread", file)
            }
            if count == 0 { break }
            done += count
        }
        return done
    }

    func write(_ file: StorageFile, at offset: Int, from block: Block, _ range: Range<Int>) throws(StorageError) {
        var done = 0
        while done < range.count {
            let rest = range.lowerBound + done..<range.upperBound
            let count = unsafe pwrite(file.number, block.address(rest), rest.count, offset + done)
            if count < 0 {
                if errno == EINTR { continue }
                throw failure("pwrite", file)
            }
            done += count
        }
    }

    func allocate(_ file: StorageFile, byteCount: Int) throws(StorageError) {
        var number: Int32
        repeat { number = posix_fallocate(file.number, 0, byteCount) } while number == EINTR
        guard number == 0 else { throw StorageError(number: number, call: "fallocate", file: name(of: file)) }
    }

    func truncate(_ file: StorageFile, to byteCount: Int) throws(StorageError) {
        guard ftruncate(file.number, byteCount) == 0 else { throw failure("ftruncate", file) }
    }

    func synchronize(_ file: StorageFile) throws(StorageError) {
        // Never asked again after a failure: the kernel may have dropped what it could not write, and would say yes.
        guard fdatasync(file.number) == 0 else { throw failure("fdatasync", file) }
    }

    func synchronizeDirectory() throws(StorageError) {
        guard fsync(directory) == 0 else { throw failure("fsync") }
    }

    func rename(_ name: String, to other: String) throws(StorageError) {
        guard unsafe renameat(directory, name, directory, other) == 0 else { throw failure("rename", name) }
    }

    func remove(_ name: String) throws(StorageError) {
        guard unsafe unlinkat(directory, name, 0) == 0 else { throw failure("unlink", name) }
    }
}
