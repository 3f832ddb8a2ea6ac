import Testing

@testable import EventLoop

@Suite struct TimerWheelTests {
    private static let step = TimerWheel.stepMilliseconds
    /// Milliseconds of one turn of the wheel.
    private static let revolution = UInt64(TimerWheel.slotCount) * TimerWheel.stepMilliseconds

    /// A wheel and its clock.
    private struct Clock: ~Copyable {
        var now: UInt64
        var wheel: TimerWheel

        init(at now: UInt64) {
            self.now = now
            wheel = TimerWheel(nowMilliseconds: now)
        }

        /// Moves on by `milliseconds`; what fires.
        mutating func pass(_ milliseconds: UInt64) -> [Int] {
            now += milliseconds
            wheel.advance(toMilliseconds: now)
            var fired: [Int] = []
            while let index = wheel.popDue() { fired.append(index) }
            return fired
        }
    }

    @Test(arguments: [0, 3, 1_000_003, 86_400_000 * 365] as [UInt64], [1, 7, 8, 9, 100, 5000] as [UInt64])
    func aDeadlineFiresAtItsTimeOrOneStepLaterNeverBefore(start: UInt64, delay: UInt64) {
        var clock = Clock(at: start)
        clock.wheel.set(5, atMilliseconds: start + delay)
        for _ in 1..<delay { #expect(clock.pass(1).isEmpty) }
        var fired: [Int] = []
        var late: UInt64 = 0
        while fired.isEmpty, late <= Self.step {
            fired = clock.pass(1)
            late += 1
        }
        #expect(fired == [5])
        #expect(late <= Self.step)
        #expect(clock.wheel.count == 0)
    }

    @Test func aDeadlineThatHasPassedAlreadyFiresAtTheNextStep() {
        var clock = Clock(at: 1000)
        clock.wheel.set(1, atMilliseconds: 10)
        #expect(clock.pass(Self.step) == [1])
    }

    @Test func aCancelledDeadlineNeverFires() {
        var clock = Clock(at: 0)
        clock.wheel.set(1, atMilliseconds: 100)
        clock.wheel.set(2, atMilliseconds: 100)
        clock.wheel.set(3, atMilliseconds: 100)
        clock.wheel.cancel(2)
        clock.wheel.cancel(2)
        clock.wheel.cancel(900)
        #expect(clock.wheel.count == 2)
        #expect(Set(clock.pass(200)) == [1, 3])
    }

    @Test func aDeadlineSetAgainMoves() {
        var clock = Clock(at: 0)
        clock.wheel.set(1, atMilliseconds: 100)
        clock.wheel.set(1, atMilliseconds: 500)
        clock.wheel.set(2, atMilliseconds: 500)
        clock.wheel.set(2, atMilliseconds: 100)
        #expect(clock.wheel.count == 2)
        #expect(clock.pass(200) == [2])
        #expect(clock.pass(400) == [1])
    }

    @Test func aDeadlineSetTwiceToTheSameTimeFiresOnce() {
        var clock = Clock(at: 0)
        clock.wheel.set(1, atMilliseconds: 100)
        clock.wheel.set(1, atMilliseconds: 100)
        #expect(clock.wheel.count == 1)
        #expect(clock.pass(200) == [1])
    }

    @Test func whatWasDueEarlierComesOutFirst() {
        var clock = Clock(at: 0)
        for index in [4, 1, 3, 0, 2] { clock.wheel.set(index, atMilliseconds: UInt64(index + 1) * 50) }
        #expect(clock.pass(1000) == [0, 1, 2, 3, 4])
    }

    @Test func aDueDeadlineCanStillBeCancelledOrMoved() {
        var clock = Clock(at: 0)
        for index in 0..<4 { clock.wheel.set(index, atMilliseconds: UInt64(index + 1) * 50) }
        clock.wheel.advance(toMilliseconds: 1000)
        clock.now = 1000
        #expect(clock.wheel.popDue() == 0)
        clock.wheel.cancel(3)
        clock.wheel.set(1, atMilliseconds: 2000)
        #expect(clock.wheel.popDue() == 2)
        #expect(clock.wheel.popDue() == nil)
        #expect(clock.pass(1008) == [1])
    }

    @Test(arguments: [1, 2, 7] as [UInt64])
    func deadlinesBeyondOneTurnWaitForTheirs(turns: UInt64) {
        var clock = Clock(at: 77)
        let delay = Self.revolution * turns + 40
        clock.wheel.set(9, atMilliseconds: 77 + delay)
        var passed: UInt64 = 0
        while passed + 50 < delay {
            #expect(clock.pass(50).isEmpty)
            passed += 50
        }
        #expect(clock.pass(50 + Self.step) == [9])
    }

    @Test func aPauseOfSeveralTurnsLosesNothing() {
        var clock = Clock(at: 0)
        for index in 0..<500 { clock.wheel.set(index, atMilliseconds: UInt64(index) * 100) }
        #expect(clock.pass(Self.revolution * 9).sorted() == Array(0..<500))
    }

    @Test func sleepingUntilTheNextDeadlineReachesIt() {
        var clock = Clock(at: 5)
        #expect(clock.wheel.millisecondsUntilNext(nowMilliseconds: 5) == nil)
        for delay: UInt64 in [1, 8, 9, 63 * 8, 64 * 8, 8184, 8192, 8200, 30_000, 60_000] {
            clock.wheel.set(0, atMilliseconds: clock.now + delay)
            let set = clock.now
            var sleeps = 0
            while true {
                let pause = clock.wheel.millisecondsUntilNext(nowMilliseconds: clock.now) ?? 0
                sleeps += 1
                if clock.pass(pause) == [0] { break }
                // A long one is looked at once a turn of the wheel.
                guard sleeps <= Int(delay / Self.revolution) + 1 else {
                    Issue.record("\(delay) ms took too many sleeps")
                    return
                }
            }
            #expect(clock.now >= set + delay && clock.now < set + delay + Self.step)
        }
    }

    @Test func tenThousandDeadlinesFireAsAModelSays() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SplitMix(state: seed)
        var clock = Clock(at: 12_345)
        var model: [Int: UInt64] = [:]
        for index in 0..<10_000 {
            let deadline = clock.now + random.below(90_000)
            model[index] = deadline
            clock.wheel.set(index, atMilliseconds: deadline)
        }
        while !model.isEmpty {
            for _ in 0..<20 {
                let index = Int(random.below(10_000))
                if model[index] != nil, random.below(3) == 0 {
                    model[index] = nil
                    clock.wheel.cancel(index)
                } else if model[index] != nil {
                    model[index] = clock.now + random.below(20_000)
                    clock.wheel.set(index, atMilliseconds: model[index]!)
                }
            }
            let before = clock.now
            let fired = clock.pass(random.below(40))
            for index in fired {
                guard let deadline = model.removeValue(forKey: index), deadline <= clock.now else {
                    Issue.record("\(index) fired early or twice, seed \(seed)")
                    return
                }
            }
            let missed = model.values.filter { $0 + 2 * Self.step <= before }
            guard missed.isEmpty, clock.wheel.count == model.count else {
                Issue.record("deadlines were missed, seed \(seed)")
                return
            }
        }
        #expect(clock.wheel.millisecondsUntilNext(nowMilliseconds: clock.now) == nil)
    }
}

/// Numbers that a seed repeats (Steele, Lea and Flood, 2014).
struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }

    mutating func below(_ bound: UInt64) -> UInt64 { next() % bound }
}
