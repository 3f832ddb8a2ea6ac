import Testing

@testable import EventLoop

/// Each order in which a loop and the threads that wake it may meet.
@Suite struct WakeGateTests {
    @Test func aLoopThatNobodyWokeSleeps() {
        let gate = Gate()
        for _ in 0..<3 {
            #expect(gate.lieDown())
            gate.rise()
        }
    }

    @Test func aSleepingLoopIsSignalledOnce() {
        let gate = Gate()
        #expect(gate.lieDown())
        #expect(gate.wake())
        #expect(!gate.wake())
        gate.rise()
        // Heard; the next turn may sleep again, and be signalled again.
        #expect(gate.lieDown())
        #expect(gate.wake())
    }

    @Test func aBusyLoopIsNotSignalledAndDoesNotSleep() {
        let gate = Gate()
        #expect(gate.lieDown())
        gate.rise()
        #expect(!gate.wake())
        #expect(!gate.wake())
        #expect(!gate.lieDown())
        gate.rise()
        #expect(gate.lieDown())
    }

    @Test func aWakeBeforeTheFirstTurnIsHeard() {
        let gate = Gate()
        #expect(!gate.wake())
        #expect(!gate.lieDown())
    }

    @Test func aLoopThatDoesNotLieDownHearsOfWakesAllTheSame() {
        let gate = Gate()
        #expect(!gate.wake())
        // A turn without sleep: work was put off.
        gate.rise()
        #expect(gate.lieDown())
    }
}

/// A gate that expectations may look at.
private final class Gate {
    private let gate = WakeGate()
    func wake() -> Bool { gate.wake() }
    func lieDown() -> Bool { gate.lieDown() }
    func rise() { gate.rise() }
}
