/// The files of one log: the one seam between it and the operating system. A directory implements it, and a simulated
/// disk in the tests, which tears, loses and reorders what was not synchronized.
///
/// Any thread may call; one file is written by one thread at a time.
protocol LogStorage: AnyObject, Sendable {
    /// Names of all files.
    func list() throws(StorageError) -> [String]
    /// Opens a file for reading and writing.
    /// - Parameter creating: the file is made; one of that name must not be there.
    func open(_ name: String, creating: Bool) throws(StorageError) -> StorageFile
    func close(_ file: StorageFile)
    func size(of file: StorageFile) throws(StorageError) -> Int
    /// Reads into a range of `block`.
    /// - Returns: how many bytes were there; fewer than asked for only at the file's end.
    func read(_ file: StorageFile, at offset: Int, into block: Block, _ range: Range<Int>) throws(StorageError) -> Int
    /// Writes a whole range of `block`.
    func write(_ file: StorageFile, at offset: Int, from block: Block, _ range: Range<Int>) throws(StorageError)
    /// Sees to it that the first `byteCount` bytes of a file have room on the disk; what is new reads as zeroes.
    func allocate(_ file: StorageFile, byteCount: Int) throws(StorageError)
    func truncate(_ file: StorageFile, to byteCount: Int) throws(StorageError)
    /// When this returns, what was written to the file outlives a loss of power (`fdatasync`).
    func synchronize(_ file: StorageFile) throws(StorageError)
    /// When this returns, so do the names of files that were made, renamed or removed.
    func synchronizeDirectory() throws(StorageError)
    func rename(_ name: String, to other: String) throws(StorageError)
    func remove(_ name: String) throws(StorageError)
}

/// An open file of a `LogStorage`.
struct StorageFile: Equatable, Sendable {
    var number: Int32
}

/// A call on a file that failed.
struct StorageError: Error, Equatable, Sendable {
    /// `errno`.
    var number: Int32
    /// The system call's name.
    var call: String
    /// The file's name; empty for the directory.
    var file: String
}
