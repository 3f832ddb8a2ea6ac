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
            configuration.port = served.port
            let refusal = refusal(of: configuration)
            #expect(refusal?.hasPrefix("127.0.0.1:\(served.port) is in use by another process") == true)
        }
    }

    @Test func aPortIsFreeAgainWhenItsGroupHasEnded() throws {
        var port: UInt16 = 0
        try withLoops { port = $0.port }
        try withLoops({ $0.port = port }) { served in
            let client = try served.client()
            try client.send("again")
            #expect(try client.receiveText(5) == "again")
        }
    }

    @Test func anAddressOfNoInterfaceIsRefusedInWords() {
        var configuration = EventLoopConfiguration()
        configuration.host = "192.0.2.1"
        #expect(refusal(of: configuration) == "192.0.2.1 is no address of this machine")
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
                wrong.host = "192.0.2.1"
                #expect(throws: StartError.self) { try EventLoopGroup(configuration: wrong) }
            }
            #expect(lowestFree() == before)
        }
    }
}
