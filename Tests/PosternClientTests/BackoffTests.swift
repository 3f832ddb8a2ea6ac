import Testing

@testable import PosternClient

@Suite struct BackoffTests {
    @Test func pausesGrowToABound() {
        var backoff = Backoff()
        let pauses = (0..<12).map { _ in backoff.next(chance: 1) }
        #expect(pauses.prefix(4) == [100, 200, 400, 800])
        #expect(pauses.suffix(5).allSatisfy { $0 == Backoff.longestMilliseconds })
        backoff.reset()
        #expect(backoff.next(chance: 1) == 100)
    }

    @Test func halfOfAPauseIsLeftToChance() {
        var low = Backoff()
        var high = Backoff()
        for _ in 0..<10 {
            let least = low.next(chance: 0)
            let most = high.next(chance: 1)
            #expect(least == most / 2)
        }
    }
}
