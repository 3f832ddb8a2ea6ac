import Gateway
import Testing

@Suite struct ThreadPulseTests {
    @Test func threadsThatGoRoundAreAlive() {
        var pulse = ThreadPulse(patienceMilliseconds: 5000)
        for second in 0..<100 {
            #expect(pulse.stuckThread([second, 2 * second], nowMilliseconds: UInt64(second) * 1000) == nil)
        }
    }

    @Test func oneThatStandsStillForItsTimeIsStuckThoughOthersGoOn() {
        var pulse = ThreadPulse(patienceMilliseconds: 5000)
        #expect(pulse.stuckThread([1, 1, 1], nowMilliseconds: 0) == nil)
        #expect(pulse.stuckThread([2, 1, 2], nowMilliseconds: 4999) == nil)
        #expect(pulse.stuckThread([3, 1, 3], nowMilliseconds: 5000) == 1)
    }

    @Test func itIsAliveAgainWhenItGoesOn() {
        var pulse = ThreadPulse(patienceMilliseconds: 5000)
        _ = pulse.stuckThread([1], nowMilliseconds: 0)
        #expect(pulse.stuckThread([1], nowMilliseconds: 6000) == 0)
        #expect(pulse.stuckThread([2], nowMilliseconds: 7000) == nil)
        #expect(pulse.stuckThread([2], nowMilliseconds: 11_999) == nil)
        #expect(pulse.stuckThread([2], nowMilliseconds: 12_000) == 0)
    }

    /// Idle threads go round once a second.
    @Test func noneIsStuckBeforeTwoSeconds() {
        var pulse = ThreadPulse(patienceMilliseconds: 10)
        _ = pulse.stuckThread([1], nowMilliseconds: 0)
        #expect(pulse.stuckThread([1], nowMilliseconds: 1999) == nil)
        #expect(pulse.stuckThread([1], nowMilliseconds: 2000) == 0)
    }
}
