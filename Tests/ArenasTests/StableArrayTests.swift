import Arenas
import Testing

@Suite struct StableArrayTests {
    @Test("elements keep their values while it grows")
    func keepsValues() {
        var array = StableArray<Int>()
        #expect(array.count == 0)
        // More chunks than the first directory has room for.
        let wanted = StableArray<Int>.chunkSize * 40
        for index in stride(from: 0, to: wanted, by: 100) {
            array.reserve(through: index) { -1 }
            #expect(array[index] == -1)
            array[index] = index
        }
        #expect(array.count >= wanted - 100)
        for index in stride(from: 0, to: wanted, by: 100) { #expect(array[index] == index) }
    }

    @Test("an index that was not reserved traps")
    func trapsBeyondItsEnd() async {
        await #expect(processExitsWith: .failure) {
            var array = StableArray<Int>()
            array.reserve(through: 0) { 0 }
            array[StableArray<Int>.chunkSize] = 1
        }
    }

    @Test("what it holds ends with it")
    func endsItsElements() {
        final class Held {}
        weak var held: Held?
        do {
            var array = StableArray<Held?>()
            array.reserve(through: 3) { nil }
            let element = Held()
            held = element
            array[3] = element
            #expect(held != nil)
        }
        #expect(held == nil)
    }
}

@Suite struct SlotPoolTests {
    @Test("a slot given back is the next to be taken, with what stands in it")
    func reusesSlots() {
        var pool = SlotPool<[UInt8]>()
        let first = pool.take { [] }
        let second = pool.take { [] }
        #expect(first != second)
        #expect(pool.inUse == 2)
        pool[first] = [1, 2, 3]
        pool.give(first)
        #expect(pool.inUse == 1)
        let third = pool.take { [] }
        #expect(third == first)
        #expect(pool[third] == [1, 2, 3])
        pool.give(second)
        pool.give(third)
        #expect(pool.inUse == 0)
    }

    @Test("no two holders share a slot")
    func slotsAreDistinct() {
        var pool = SlotPool<Int>()
        let taken = (0..<1000).map { _ in pool.take { 0 } }
        #expect(Set(taken).count == 1000)
    }
}
