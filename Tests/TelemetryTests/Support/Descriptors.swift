import Glibc
import Synchronization

// unsafe: makes descriptors and reads from them through C.

/// Two connected descriptors, closed with it.
final class DescriptorPair: Sendable {
    let reading: Int32
    let writing: Int32
    private let isWritingClosed = Atomic(false)

    private init(reading: Int32, writing: Int32) {
        self.reading = reading
        self.writing = writing
    }

    deinit {
        close(reading)
        closeWriting()
    }

    /// Lets the reader see the end.
    func closeWriting() {
        if !isWritingClosed.exchange(true, ordering: .acquiringAndReleasing) { close(writing) }
    }

    static func pipe() -> DescriptorPair {
        var ends: [Int32] = [0, 0]
        precondition(unsafe Glibc.pipe(&ends) == 0)
        return DescriptorPair(reading: ends[0], writing: ends[1])
    }

    /// A pipe that takes one page, the least there is, before a writer has to wait.
    static func narrowPipe() -> DescriptorPair {
        let pair = pipe()
        // Glibc's headers hide its name from Swift: fcntl(2).
        let setPipeSize: Int32 = 1031
        precondition(fcntl(pair.writing, setPipeSize, 4096) == 4096)
        return pair
    }

    /// A socket that keeps apart what each single write brought.
    static func packets() -> DescriptorPair {
        var ends: [Int32] = [0, 0]
        precondition(unsafe socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &ends) == 0)
        return DescriptorPair(reading: ends[0], writing: ends[1])
    }

    /// Two ends of new terminals.
    static func terminal() -> DescriptorPair {
        let ends = (0..<2).map { _ in unsafe open("/dev/ptmx", O_RDWR | O_NOCTTY) }
        precondition(ends.allSatisfy { $0 >= 0 }, "no terminal")
        return DescriptorPair(reading: ends[0], writing: ends[1])
    }

    /// What one read gives.
    func read() -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: 1 << 17) { buffer, count in
            count = max(0, unsafe Glibc.read(reading, buffer.baseAddress, 1 << 17))
        }
    }

    /// Everything up to the end.
    func readToEnd() -> [UInt8] {
        var bytes: [UInt8] = []
        while true {
            let part = read()
            if part.isEmpty { return bytes }
            bytes += part
        }
    }

    /// Makes writes fail where they would wait, and fills what room there is.
    func fillWithoutBlocking() -> Int {
        _ = fcntl(writing, F_SETFL, O_NONBLOCK)
        let block = [UInt8](repeating: 0x20, count: 4096)
        var total = 0
        while true {
            let wrote = unsafe block.withUnsafeBytes { unsafe Glibc.write(writing, $0.baseAddress, $0.count) }
            if wrote < 0 { return total }
            total += wrote
        }
    }
}
