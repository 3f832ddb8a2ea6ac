import Glibc

/// A small blocking HTTP/1.1 client on one connection. One thread at a time.
// unsafe: makes the socket calls.
public final class TestClient {
    public struct Response: Sendable, Equatable {
        public var status: Int
        /// Names in lower case.
        public var headers: [String: String]
        public var body: String
    }

    public enum Failure: Error { case connect(Int32), closed, malformed(String) }

    private var descriptor: Int32
    private var received: [UInt8] = []

    /// Connects to 127.0.0.1.
    public init(port: UInt16) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
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

    /// Sends bytes as they are.
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

    /// Waits for the next response.
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

    /// Closes the connection.
    public func close() {
        guard descriptor >= 0 else { return }
        _ = Glibc.close(descriptor)
        descriptor = -1
    }

    private func receive() throws {
        var room = [UInt8](repeating: 0, count: 64 << 10)
        let count = unsafe room.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
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
