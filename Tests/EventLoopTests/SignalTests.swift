import Glibc
import Testing

@testable import EventLoop

/// In processes of their own, whose signals nobody else takes. Signals are sent to the loop's thread, by itself.
@Suite struct SignalTests {
    @Test func aHangUpAsksForAReloadAndTheFirstTerminationDrains() async {
        await #expect(processExitsWith: .success) {
            try withLoops({ $0.handlesSignals = true }) { served in
                let client = try served.client()
                #expect(eventually { served.probe.opened.count == 1 })
                served.probe.perform { _ in pthread_kill(pthread_self(), SIGHUP) }
                #expect(eventually { served.probe.events.contains(.reload) })
                #expect(!served.group.isDraining)
                served.probe.perform { _ in pthread_kill(pthread_self(), SIGTERM) }
                #expect(eventually { served.probe.events.contains(.drainBegan) })
                try client.send("still here")
                #expect(try client.receiveText(10) == "still here")
            }
        }
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func theSecondSignalEndsAtOnce(_ signal: Int32) async {
        await #expect(processExitsWith: .success) { [signal] in
            let configure = { (configuration: inout EventLoopConfiguration) in
                configuration.handlesSignals = true
                configuration.drainTimeoutMilliseconds = 600_000
            }
            try withLoops(configure) { served in
                let client = try served.client()
                #expect(eventually { served.probe.opened.count == 1 })
                served.probe.perform { _ in pthread_kill(pthread_self(), signal) }
                #expect(eventually { served.probe.events.contains(.drainBegan) })
                served.probe.perform { _ in pthread_kill(pthread_self(), signal) }
                #expect(eventually { served.probe.events.last == .closed(.loopEnded) })
                client.close()
            }
        }
    }

    /// An application that goes on without its gateway can still be ended.
    @Test func aGroupThatCannotStartLeavesSignalsAlone() async {
        await #expect(processExitsWith: .success) {
            var configuration = EventLoopConfiguration()
            configuration.handlesSignals = true
            configuration.listeners[0].host = "192.0.2.1"
            #expect(throws: StartError.self) { try EventLoopGroup(configuration: configuration) }
            var blocked = sigset_t()
            unsafe pthread_sigmask(SIG_BLOCK, nil, &blocked)
            for signal in [SIGTERM, SIGINT, SIGHUP] {
                #expect(unsafe sigismember(&blocked, signal) == 0)
            }
        }
    }
}
