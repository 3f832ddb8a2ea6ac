/// The connections of one loop, each at an index of its own, where it stays.
///
/// Grows by a chunk where an index is missing, moves none, and keeps its memory. One thread. What a class stores is
/// checked for overlapping access at run time, each time: two fifths of all instructions that a read and its reply took
/// here. Elements behind a pointer are not, and no call is made while one of them is changed.
// unsafe: owns chunks of raw memory behind bounds-checked indices.
@safe
struct ConnectionTable: ~Copyable {
    @unsafe
    private struct Directory {
        var chunks: UnsafeMutablePointer<UnsafeMutablePointer<Connection>>
        var count: UInt32
        var capacity: UInt32
    }

    private static let chunkShift: UInt32 = 8
    private static let chunkSize: UInt32 = 1 << chunkShift

    private let directory: UnsafeMutablePointer<Directory>

    init() {
        unsafe directory = .allocate(capacity: 1)
        unsafe directory.initialize(to: Directory(chunks: .allocate(capacity: 64), count: 0, capacity: 64))
    }

    deinit {
        for chunk in 0..<Int(unsafe directory.pointee.count) { unsafe directory.pointee.chunks[chunk].deallocate() }
        unsafe directory.pointee.chunks.deallocate()
        unsafe directory.deallocate()
    }

    /// Indices below this may be used.
    var count: UInt32 { unsafe directory.pointee.count << Self.chunkShift }

    /// Adds a chunk of connections that are free.
    func grow() {
        let count = unsafe directory.pointee.count
        if unsafe count == directory.pointee.capacity {
            let moved = UnsafeMutablePointer<UnsafeMutablePointer<Connection>>.allocate(capacity: Int(count) * 2)
            unsafe moved.initialize(from: directory.pointee.chunks, count: Int(count))
            unsafe directory.pointee.chunks.deallocate()
            unsafe directory.pointee.chunks = moved
            unsafe directory.pointee.capacity = count * 2
        }
        let chunk = UnsafeMutablePointer<Connection>.allocate(capacity: Int(Self.chunkSize))
        unsafe chunk.initialize(repeating: Connection(), count: Int(Self.chunkSize))
        unsafe directory.pointee.chunks[Int(count)] = unsafe chunk
        unsafe directory.pointee.count = count + 1
    }

    subscript(index: UInt32) -> Connection {
        unsafeAddress { unsafe UnsafePointer(address(of: index)) }
        nonmutating unsafeMutableAddress { unsafe address(of: index) }
    }

    private func address(of index: UInt32) -> UnsafeMutablePointer<Connection> {
        precondition(index < count)
        let chunk = unsafe directory.pointee.chunks[Int(index >> Self.chunkShift)]
        return unsafe chunk + Int(index & (Self.chunkSize - 1))
    }
}
