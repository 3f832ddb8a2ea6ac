import Arenas
import Testing

@Suite struct InternPoolTests {
    private func pool(maximumCount: Int = 1000, maximumBytes: Int = 100_000) -> InternPool {
        InternPool(maximumCount: maximumCount, maximumBytes: maximumBytes)
    }

    @Test("equal strings share one copy and one ID")
    func sharesEqualStrings() throws {
        var pool = pool()
        let orders = try pool.intern("orders")
        let greetings = try pool.intern("greetings")
        #expect(try pool.intern("orders") == orders)
        #expect(orders != greetings)
        #expect(pool.count == 2)
        #expect(pool.byteCount == 6 + 9)
        #expect(pool.referenceCount(of: orders) == 2)
        #expect(pool.bytes(of: greetings).array == Array("greetings".utf8))
        pool.releaseAll([orders, orders, greetings])
    }

    @Test("looking up takes no reference")
    func looksUp() throws {
        var pool = pool()
        #expect(pool.lookup("orders") == nil)
        let id = try pool.intern("orders")
        #expect(pool.lookup("orders") == id)
        #expect(pool.lookup("order") == nil)
        #expect(pool.referenceCount(of: id) == 1)
        pool.releaseAll([id])
    }

    @Test("a string goes with its last reference")
    func releasesWithTheLastReference() throws {
        var pool = pool()
        let id = try pool.intern("orders")
        pool.retain(id)
        #expect(pool.release(id) == false)
        #expect(pool.lookup("orders") == id)
        #expect(pool.release(id) == true)
        #expect(pool.lookup("orders") == nil)
        #expect(pool.count == 0)
        #expect(pool.byteCount == 0)
        #expect(pool.referenceCount(of: id) == 0)
        pool.assertEmpty()
    }

    @Test("the empty string is a string")
    func internsTheEmptyString() throws {
        var pool = pool()
        let id = try pool.intern("")
        #expect(pool.lookup("") == id)
        #expect(pool.bytes(of: id).array == [])
        #expect(pool.byteCount == 0)
        pool.releaseAll([id])
    }

    @Test("IDs stay dense: freed ones are given out again, the latest first")
    func reusesIDs() throws {
        var pool = pool()
        var ids = try (0..<20).map { try pool.intern("name \($0)") }
        #expect(Set(ids.map(\.rawValue)) == Set(0..<20))
        #expect(pool.indexBound == 20)
        pool.releaseAll([ids[3], ids[7]])
        let first = try pool.intern("new")
        let second = try pool.intern("newer")
        #expect([first, second] == [ids[7], ids[3]])
        #expect(pool.indexBound == 20)
        (ids[7], ids[3]) = (first, second)
        pool.releaseAll(ids)
    }

    @Test("after a flood of names nothing of it stays")
    func shrinksWhenEmpty() throws {
        var pool = pool()
        let capacity = pool.capacity
        let ids = try (0..<900).map { try pool.intern("name \($0)") }
        #expect(pool.capacity >= 900)
        pool.releaseAll(ids)
        #expect(pool.capacity == capacity)
        #expect(pool.indexBound == 0)
    }

    @Test("no more distinct strings than the limit")
    func boundsTheCount() throws {
        var pool = pool(maximumCount: 2)
        let ids = [try pool.intern("a"), try pool.intern("b")]
        #expect(pool.refusal(of: "c") == .countExceeded(limit: 2))
        #expect(try pool.intern("a") == ids[0], "what is there may be held again")
        pool.releaseAll([ids[0], ids[0]])
        pool.releaseAll([ids[1], try pool.intern("c")])
    }

    @Test("no more bytes than the limit")
    func boundsTheBytes() throws {
        var pool = pool(maximumBytes: 10)
        let id = try pool.intern("12345678")
        #expect(pool.refusal(of: "abc") == .bytesExceeded(limitBytes: 10))
        let other = try pool.intern("ab")
        #expect(pool.byteCount == 10)
        pool.releaseAll([id, other])
        #expect(pool.refusal(of: "12345678901") == .bytesExceeded(limitBytes: 10))
    }

    @Test("strings whose hashes fall together are told apart, through any order of removal", arguments: 0..<20)
    func behavesLikeADictionary(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        var pool = InternPool(maximumCount: 1000, maximumBytes: 100_000, hash: KeyedHash(key0: seed, key1: 1))
        var model: [String: (id: InternedID, references: Int)] = [:]
        for _ in 0..<3000 {
            // A small table at high load: probes run into one another.
            let name = "topic.\(random.next() % 60)"
            if random.next() % 2 == 0 {
                let id = try pool.intern(name)
                if let known = model[name] { #expect(known.id == id) }
                model[name] = (id, (model[name]?.references ?? 0) + 1)
            } else if let known = model[name] {
                #expect(pool.release(known.id) == (known.references == 1))
                model[name] = known.references == 1 ? nil : (known.id, known.references - 1)
            } else {
                #expect(pool.lookup(name) == nil)
            }
        }
        #expect(pool.count == model.count, "seed \(seed)")
        for (name, known) in model {
            #expect(pool.lookup(name) == known.id, "seed \(seed)")
            #expect(pool.referenceCount(of: known.id) == known.references)
            #expect(pool.bytes(of: known.id).array == Array(name.utf8))
            #expect(Int(known.id.rawValue) < pool.indexBound)
            pool.releaseAll(Array(repeating: known.id, count: known.references))
        }
        pool.assertEmpty()
    }

    @Test("a released ID traps when it is used")
    func trapsOnReleasedID() async {
        await #expect(processExitsWith: .failure) {
            var pool = InternPool(maximumCount: 10, maximumBytes: 10)
            let id = try pool.intern("a")
            let other = try pool.intern("b")
            _ = pool.release(id)
            pool.retain(id)
            _ = pool.release(other)
        }
    }

    @Test("teardown with a holder left traps")
    func trapsOnForgottenReference() async {
        await #expect(processExitsWith: .failure) {
            var pool = InternPool(maximumCount: 10, maximumBytes: 10)
            let id = try pool.intern("a")
            pool.assertEmpty()
            _ = pool.release(id)
        }
    }
}

extension InternPool {
    fileprivate mutating func intern(_ name: String) throws(InternError) -> InternedID {
        try intern(Array(name.utf8).span)
    }

    fileprivate func lookup(_ name: String) -> InternedID? { lookup(Array(name.utf8).span) }

    fileprivate mutating func releaseAll(_ ids: [InternedID]) {
        for id in ids { _ = release(id) }
    }

    fileprivate mutating func refusal(of name: String) -> InternError? {
        do throws(InternError) { _ = try intern(name) } catch { return error }
        return nil
    }
}

/// A repeatable source of numbers.
private struct SplitMix {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
