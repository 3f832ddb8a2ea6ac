import Glibc

/// A blocking TCP client on the loopback interface; gives up after ten seconds of silence.
// unsafe: system calls on local buffers.
final class Client {
    /// What ended a read other than bytes.
    struct Failure: Error, Equatable { let number: Int32 }

    private(set) var descriptor: Int32

    /// - Parameter receiveBuffer: what the kernel may hold for this client, where it is to be little.
    init(port: UInt16, receiveBuffer: Int32? = nil) throws {
        // Tests in processes of their own would keep it open.
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        if descriptor < 0 { throw Failure(number: errno) }
        if var receiveBuffer {
            unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, socklen_t(MemoryLayout<Int32>.size))
        }
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            unsafe setsockopt(descriptor, SOL_SOCKET, option, &patience, socklen_t(MemoryLayout<timeval>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if result != 0 { throw Failure(number: errno) }
    }

    deinit { close() }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let step = unsafe bytes.withUnsafeBytes { buffer in
                unsafe Glibc.send(
                    descriptor, buffer.baseAddress! + sent, buffer.count - sent, Int32(MSG_NOSIGNAL))
            }
            if step < 0 { throw Failure(number: errno) }
            sent += step
        }
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// At most `count` bytes; none at the end.
    func receive(upTo count: Int = 65536) throws -> [UInt8] {
        try unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            let result = unsafe recv(descriptor, buffer.baseAddress!, count, 0)
            if result < 0 { throw Failure(number: errno) }
            filled = result
        }
    }

    /// `count` bytes, or fewer where the end comes first.
    func receive(exactly count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let more = try receive(upTo: min(65536, count - bytes.count))
            if more.isEmpty { break }
            bytes += more
        }
        return bytes
    }

    func receiveText(_ count: Int) throws -> String { String(decoding: try receive(exactly: count), as: UTF8.self) }

    func receiveToEnd() throws -> [UInt8] { try receive(exactly: .max) }

    /// What the kernel has to tell of the connection.
    var pendingError: Int32 {
        var error: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size)
        return error
    }

    func shutdownSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    /// Ends the connection by a reset.
    func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
        close()
    }
}
