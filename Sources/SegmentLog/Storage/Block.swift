import CChecksum
import Glibc

/// Memory that is read from files and written to them: little-endian integers and spans at checked places.
///
/// Taken as untouched pages, so that room that is not used costs nothing; freed with the block. One thread at a time.
// unsafe: owns mapped memory; every access is checked against its bounds.
@safe
final class Block: @unchecked Sendable {
    private(set) var capacity: Int
    private var memory: UnsafeMutableRawPointer

    init(capacity: Int) {
        self.capacity = Self.wholePages(capacity)
        unsafe memory = Self.map(self.capacity)
    }

    deinit { unsafe munmap(memory, capacity) }

    private static func wholePages(_ count: Int) -> Int { (max(count, 1) + 4095) & ~4095 }

    private static func map(_ byteCount: Int) -> UnsafeMutableRawPointer {
        let memory = unsafe mmap(
            nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else { fatalError("out of memory") }
        return unsafe memory
    }

    /// Makes the block at least as large; what stands in it is kept.
    func reserve(_ byteCount: Int) {
        guard byteCount > capacity else { return }
        let larger = Self.wholePages(max(byteCount, capacity * 2))
        let moved = unsafe Self.map(larger)
        unsafe moved.copyMemory(from: memory, byteCount: capacity)
        unsafe munmap(memory, capacity)
        unsafe memory = moved
        capacity = larger
    }

    /// Gives back the memory from `offset` on; it reads as zeroes after that.
    func discard(from offset: Int) {
        let begin = Self.wholePages(offset)
        guard begin < capacity else { return }
        unsafe madvise(memory + begin, capacity - begin, MADV_DONTNEED)
    }

    private func check(_ offset: Int, _ count: Int) {
        precondition(offset >= 0 && count >= 0 && offset <= capacity - count, "outside of a block")
    }

    func load<T: FixedWidthInteger & BitwiseCopyable>(_ offset: Int, as: T.Type = T.self) -> T {
        check(offset, MemoryLayout<T>.size)
        return unsafe T(littleEndian: memory.loadUnaligned(fromByteOffset: offset, as: T.self))
    }

    func store<T: FixedWidthInteger & BitwiseCopyable>(_ value: T, at offset: Int) {
        check(offset, MemoryLayout<T>.size)
        unsafe memory.storeBytes(of: value.littleEndian, toByteOffset: offset, as: T.self)
    }

    func store(_ bytes: Span<UInt8>, at offset: Int) {
        check(offset, bytes.count)
        unsafe bytes.withUnsafeBytes { source in
            guard let start = source.baseAddress else { return }
            unsafe (memory + offset).copyMemory(from: start, byteCount: source.count)
        }
    }

    func fill(_ range: Range<Int>, with byte: UInt8 = 0) {
        check(range.lowerBound, range.count)
        unsafe (memory + range.lowerBound).initializeMemory(as: UInt8.self, repeating: byte, count: range.count)
    }

    /// Moves bytes within the block; the ranges may overlap.
    func move(_ range: Range<Int>, to offset: Int) {
        check(range.lowerBound, range.count)
        check(offset, range.count)
        unsafe (memory + offset).copyMemory(from: memory + range.lowerBound, byteCount: range.count)
    }

    /// The bytes of a range; good until the block next changes.
    @_lifetime(borrow self)
    func span(_ range: Range<Int>) -> Span<UInt8> {
        check(range.lowerBound, range.count)
        let start = unsafe UnsafePointer((memory + range.lowerBound).assumingMemoryBound(to: UInt8.self))
        return unsafe _overrideLifetime(Span(_unsafeStart: start, count: range.count), borrowing: self)
    }

    /// CRC-32C of a range.
    func checksum(_ range: Range<Int>) -> UInt32 {
        check(range.lowerBound, range.count)
        return unsafe postern_crc32c(0, memory + range.lowerBound, range.count)
    }

    /// Where a range stands, for a system call or for a reader that is handed its bytes.
    @unsafe
    func address(_ range: Range<Int>) -> UnsafeMutableRawPointer {
        check(range.lowerBound, range.count)
        return unsafe memory + range.lowerBound
    }
}
