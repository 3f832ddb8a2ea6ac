import Glibc

/// A small blocking HTTP/1.1 client on one connection, which stays open between requests. One thread at a time.
// unsafe: makes the socket calls.
public final class TestClient {
    /// What a server answered.
    public struct Response: Sendable, Equatable {
        public var status: Int
        /// Names in lower case, values without the spaces around them.
        public var headers: [String: String]
        /// As long as `Content-Length` says.
        public var body: String
    }

    /// Why there is no response.
    public enum Failure: Error, Equatable {
        /// The connection could not be made; the system's `errno`.
        case connect(Int32)
        /// The server closed or reset the connection.
        case closed
        /// Nothing came for so long.
        case silent(seconds: Int)
        /// What came is no response.
        case malformed(String)
    }

    private var descriptor: Int32
    private var received: [UInt8] = []

    private let patienceSeconds: Int

    /// Connects to 127.0.0.1.
    /// - Parameter patienceSeconds: how long a response may let wait for its next byte: longer than any poll is parked.
    /// - Throws: `Failure.connect`.
    public init(port: UInt16, patienceSeconds: Int = 70) throws {
        self.patienceSeconds = patienceSeconds
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure.connect(errno) }
        var patience = timeval(tv_sec: patienceSeconds, tv_usec: 0)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var isOn: Int32 = 1
        unsafe setsockopt(
            descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &isOn, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe Glibc.connect(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw Failure.connect(errno) }
    }

    deinit { close() }

    /// Sends a request and waits for its response.
    /// - Parameter target: path and query, percent-encoded already.
    @discardableResult
    public func request(
        _ method: String, _ target: String, headers: [String: String] = [:], body: String? = nil
    ) throws -> Response {
        try send(Self.text(method, target, headers: headers, body: body))
        return try response()
    }

    /// A request as it goes over the wire.
    public static func text(
        _ method: String, _ target: String, headers: [String: String] = [:], body: String? = nil
    ) -> String {
        var head = "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\n"
        for (name, value) in headers { head += "\(name): \(value)\r\n" }
        if let body { head += "Content-Length: \(body.utf8.count)\r\n" }
        return head + "\r\n" + (body ?? "")
    }

    /// Sends bytes as they are: several requests at once, or half of one.
    public func send(_ text: String) throws {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let sent = unsafe rest.withUnsafeBytes {
                unsafe Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { throw Failure.closed }
            rest = rest.dropFirst(sent)
        }
    }

    /// Waits for the next response; what came behind it is kept for the one after.
    public func response() throws -> Response {
        var end = Self.headEnd(received)
        while end == nil {
            try receive()
            end = Self.headEnd(received)
        }
        guard let end else { throw Failure.closed }
        let lines = String(decoding: received[..<end], as: UTF8.self).split(separator: "\r\n")
        guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else {
            throw Failure.malformed(String(decoding: received, as: UTF8.self))
        }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            guard parts.count == 2 else { continue }
            headers[parts[0].lowercased()] = String(parts[1].drop { $0 == " " })
        }
        let length = headers["content-length"].flatMap { Int($0) } ?? 0
        while received.count < end + length { try receive() }
        let body = String(decoding: received[end..<end + length], as: UTF8.self)
        received.removeFirst(end + length)
        return Response(status: status, headers: headers, body: body)
    }

    /// Waits for the next piece of a stream, whose head `response()` has taken; nil at its end. A piece is whole lines.
    public func piece() throws -> String? {
        var end = received.firstIndex(of: 10)
        while end == nil {
            try receive()
            end = received.firstIndex(of: 10)
        }
        guard let end, let size = Int(String(decoding: received[..<max(end - 1, 0)], as: UTF8.self), radix: 16) else {
            throw Failure.malformed(String(decoding: received, as: UTF8.self))
        }
        // Behind the size and behind the piece stands a line's end.
        while received.count < end + 1 + size + 2 { try receive() }
        let piece = String(decoding: received[end + 1..<end + 1 + size], as: UTF8.self)
        received.removeFirst(end + 1 + size + 2)
        return size == 0 ? nil : piece
    }

    /// Closes the connection; the same as letting the client go.
    public func close() {
        guard descriptor >= 0 else { return }
        _ = Glibc.close(descriptor)
        descriptor = -1
    }

    private func receive() throws {
        var room = [UInt8](repeating: 0, count: 64 << 10)
        let count = unsafe room.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
        if count < 0, errno == EAGAIN { throw Failure.silent(seconds: patienceSeconds) }
        guard count > 0 else { throw Failure.closed }
        received += room[..<count]
    }

    private static func headEnd(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 4 else { return nil }
        for index in 3..<bytes.count where bytes[index] == 10 && bytes[index - 1] == 13 && bytes[index - 2] == 10 {
            return index + 1
        }
        return nil
    }
}
