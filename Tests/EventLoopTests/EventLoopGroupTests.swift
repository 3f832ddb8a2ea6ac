import Glibc
import Testing

@testable import EventLoop

@Suite struct EventLoopGroupTests {
    @Test func theSystemPicksAPortThatAllLoopsShare() throws {
        try withLoops({ $0.loops = 3 }) { served in
            #expect(served.port != 0)
            #expect(served.group.loops.map(\.index) == [0, 1, 2])
            #expect(served.group.openFilesLimit > 0)
        }
    }

    @Test func aPortInUseIsRefusedThoughLoopsShareTheirs() throws {
        try withLoops({ $0.loops = 2 }) { served in
            var configuration = EventLoopConfiguration()
            configuration.listeners[0].port = served.port
            let refusal = refusal(of: configuration)
            #expect(refusal?.hasPrefix("127.0.0.1:\(served.port) is in use by another process") == true)
        }
    }

    @Test func aPortIsFreeAgainWhenItsGroupHasEnded() throws {
        var port: UInt16 = 0
        try withLoops { port = $0.port }
        try withLoops({ $0.listeners[0].port = port }) { served in
            let client = try served.client()
            try client.send("again")
            #expect(try client.receiveText(5) == "again")
        }
    }

    @Test func anAddressOfNoInterfaceIsRefusedInWords() {
        var configuration = EventLoopConfiguration()
        configuration.listeners[0].host = "192.0.2.1"
        #expect(refusal(of: configuration) == "192.0.2.1 is no address of this machine (EADDRNOTAVAIL)")
    }

    /// What starting with `configuration` fails with; nil where it does not.
    private func refusal(of configuration: EventLoopConfiguration) -> String? {
        do throws(StartError) {
            _ = try EventLoopGroup(configuration: configuration)
            return nil
        } catch {
            return error.description
        }
    }

    /// In a process of its own, whose descriptors nobody else opens.
    @Test func groupsLeaveNoDescriptorBehind() async {
        await #expect(processExitsWith: .success) {
            func lowestFree() -> Int32 {
                let free = dup(0)
                close(free)
                return free
            }
            try withLoops { _ in }
            let before = lowestFree()
            for _ in 0..<3 {
                try withLoops({ $0.loops = 2 }) { served in
                    let client = try served.client()
                    try client.send("x")
                    #expect(try client.receiveText(1) == "x")
                }
                // One that never starts closes its sockets too.
                _ = try EventLoopGroup(configuration: EventLoopConfiguration())
                var wrong = EventLoopConfiguration()
                wrong.listeners[0].host = "192.0.2.1"
                #expect(throws: StartError.self) { try EventLoopGroup(configuration: wrong) }
            }
            #expect(lowestFree() == before)
        }
    }

    /// Wherever starting stops for want of descriptors, those it had are given back, and it says so.
    @Test func aGroupThatFindsTooFewDescriptorsKeepsNone() async {
        await #expect(processExitsWith: .success) {
            var limit = rlimit(rlim_cur: 64, rlim_max: 64)
            unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            func takeAll() -> [Int32] {
                var taken: [Int32] = []
                while case let next = dup(0), next >= 0 { taken.append(next) }
                return taken
            }
            var configuration = EventLoopConfiguration()
            configuration.loops = 2
            configuration.handlesSignals = true
            // Each loop has a listener, an epoll and an eventfd; there is one signalfd.
            let calls = ["signalfd", "listen", "epoll_create1", "eventfd", "listen", "epoll_create1", "eventfd"]
            let expected = calls.map { "127.0.0.1:0: \($0): Too many open files" }
            var failures: [String] = []
            var free: [Int] = []
            // The test's own runtime may open or close a descriptor meanwhile; it does not do so each time.
            for _ in 0..<20 where free != [0, 1, 2, 3, 4, 5, 6] || failures != expected {
                failures = []
                free = []
                var fillers = takeAll()
                for _ in 0...6 {
                    do throws(StartError) {
                        _ = try EventLoopGroup(configuration: configuration)
                    } catch {
                        failures.append(error.description)
                    }
                    let left = takeAll()
                    free.append(left.count)
                    for descriptor in left { close(descriptor) }
                    if let filler = fillers.popLast() { close(filler) }
                }
                // What is found wrong is reported through a descriptor too.
                for filler in fillers { close(filler) }
            }
            #expect(free == [0, 1, 2, 3, 4, 5, 6])
            #expect(failures == expected)
        }
    }

    @Test func anAddressIsWrittenAsInAURL() {
        let inUse = SystemError(call: "listen", number: EADDRINUSE)
        #expect(StartError(inUse, host: "::1", port: 8080).description.hasPrefix("[::1]:8080 is in use"))
        #expect(StartError(inUse, host: "localhost", port: 80).description.hasPrefix("localhost:80 is in use"))
    }
}
