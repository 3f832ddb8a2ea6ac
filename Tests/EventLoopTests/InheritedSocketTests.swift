import Glibc
import Testing

@testable import EventLoop

// unsafe: makes sockets through C.
@Suite struct InheritedSocketTests {
    /// A socket as a service manager opens it: it stays open here, whatever the group does with its own descriptor.
    private final class Held {
        let descriptor: Int32
        init(_ descriptor: Int32) { self.descriptor = descriptor }
        deinit { close(descriptor) }
        func handOver() throws(InheritedSocketError) -> InheritedSocket {
            try InheritedSocket(descriptor: dup(descriptor))
        }
    }

    private func listening() throws -> Held {
        try Held(SystemCalls.listen(host: "127.0.0.1", port: 0, backlog: 64, shared: false))
    }

    private func configuration(_ held: Held, loops: Int = 2) throws -> EventLoopConfiguration {
        var configuration = EventLoopConfiguration()
        configuration.listeners = [ListenerConfiguration(inherited: try held.handOver())]
        configuration.loops = loops
        return configuration
    }

    private func start(_ configuration: EventLoopConfiguration) throws -> EventLoopGroup {
        let group = try EventLoopGroup(configuration: configuration)
        group.start { ProbeHandler(loop: $0, orders: .init()) }
        return group
    }

    private func echoes(_ client: Client, _ text: String = "a") throws -> Bool {
        try client.send(text)
        return try client.receiveText(text.utf8.count) == text
    }

    @Test func itTellsWhereItIsBound() throws {
        let held = try listening()
        let socket = try held.handOver()
        #expect(socket.host == "127.0.0.1" && socket.port > 0)
        #expect(fcntl(socket.descriptor, F_GETFL) & O_NONBLOCK != 0)
        #expect(fcntl(socket.descriptor, F_GETFD) & FD_CLOEXEC != 0)
        close(socket.descriptor)
    }

    @Test func allLoopsServeIt() throws {
        let held = try listening()
        let group = try start(configuration(held, loops: 3))
        let clients = try (0..<30).map { _ in try Client(port: group.boundPort) }
        for client in clients { #expect(try echoes(client)) }
        #expect(group.loops.reduce(0) { $0 + $1.statistics.acceptedTotal } == 30)
        group.stop()
        group.join()
        withExtendedLifetime(clients) {}
    }

    @Test func whoComesBetweenTwoGroupsIsServedByTheSecond() throws {
        let held = try listening()
        let first = try EventLoopGroup(configuration: configuration(held, loops: 1))
        var probe: ProbeHandler?
        first.start { loop in
            let made = ProbeHandler(loop: loop, orders: .init())
            probe = made
            return made
        }
        let old = try Client(port: first.boundPort)
        #expect(try echoes(old))
        first.drain()
        #expect(eventually { probe?.events.contains(.drainBegan) == true })
        let waiting = try Client(port: first.boundPort)
        try waiting.send("b")
        old.close()
        first.join()
        #expect(first.loops.reduce(0) { $0 + $1.statistics.acceptedTotal } == 1)
        let second = try start(configuration(held))
        #expect(second.boundPort == first.boundPort)
        #expect(try waiting.receiveText(1) == "b")
        second.stop()
        second.join()
    }

    @Test func whatIsNoListeningTCPSocketIsRefused() throws {
        let datagrams = Held(socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0))
        let local = Held(socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0))
        let unbound = Held(socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        #expect(throws: InheritedSocketError.notTCP) { try datagrams.handOver() }
        #expect(throws: InheritedSocketError.notTCP) { try local.handOver() }
        #expect(throws: InheritedSocketError.notListening) { try unbound.handOver() }
        #expect(throws: InheritedSocketError.noSocket) { try InheritedSocket(descriptor: -1) }
    }
}
