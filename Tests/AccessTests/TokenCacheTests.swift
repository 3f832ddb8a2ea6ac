import Testing

@testable import Access

@Suite struct TokenCacheTests {
    private func principal(_ name: String = "x", expires seconds: Int64? = nil) -> Principal {
        Principal(identifier: name, owner: 0, grants: Grants(), expirySeconds: seconds, credential: .none)
    }

    private func key(_ cache: borrowing TokenCache, _ token: String) -> TokenCache.Key {
        cache.key(for: token.bytes.span)
    }

    @Test func findsWhatWasKept() {
        var cache = TokenCache()
        let kept = principal()
        let key = key(cache, "token")
        let before = cache.principal(for: key, generation: 1, nowSeconds: 0)
        #expect(before == nil)
        cache.insert(kept, for: key, generation: 1)
        let found = cache.principal(for: self.key(cache, "token"), generation: 1, nowSeconds: 0)
        #expect(found === kept)
        let other = cache.principal(for: self.key(cache, "tokem"), generation: 1, nowSeconds: 0)
        #expect(other == nil)
    }

    @Test func anEntryEndsWithItsPrincipal() {
        var cache = TokenCache()
        let key = key(cache, "token")
        cache.insert(principal(expires: 100), for: key, generation: 1)
        let last = cache.principal(for: key, generation: 1, nowSeconds: 99)
        #expect(last != nil)
        let over = cache.principal(for: key, generation: 1, nowSeconds: 100)
        #expect(over == nil)
        let count = cache.count
        #expect(count == 0)
    }

    @Test func anotherConfigurationEndsAllEntries() {
        var cache = TokenCache()
        let keys = (0..<10).map { key(cache, "token \($0)") }
        for key in keys { cache.insert(principal(), for: key, generation: 1) }
        for key in keys {
            let found = cache.principal(for: key, generation: 2, nowSeconds: 0)
            #expect(found == nil)
        }
        cache.insert(principal("new"), for: keys[0], generation: 2)
        let count = cache.count
        #expect(count == 1)
        // What one loop found under the old files does not come back.
        let old = cache.principal(for: keys[1], generation: 2, nowSeconds: 0)
        #expect(old == nil)
    }

    @Test(arguments: [(0, 4), (1, 4), (4, 4), (7, 4), (8, 8), (100, 64), (4096, 4096)])
    func capacityIsAPowerOfTwo(_ wanted: Int, _ expected: Int) {
        let cache = TokenCache(capacity: wanted)
        let capacity = cache.capacity
        #expect(capacity == expected)
    }

    @Test func isBounded() {
        var cache = TokenCache(capacity: 64)
        for number in 0..<10_000 {
            cache.insert(principal("\(number)"), for: key(cache, "token \(number)"), generation: 1)
            let count = cache.count
            #expect(count <= 64)
        }
        let count = cache.count
        #expect(count == 64)
        var found = 0
        for number in 0..<10_000 {
            let key = key(cache, "token \(number)")
            guard let principal = cache.principal(for: key, generation: 1, nowSeconds: 0) else { continue }
            #expect(principal.identifier == "\(number)")
            found += 1
        }
        #expect(found == 64)
    }

    @Test func letsGoOfPrincipalsThatWerePushedOut() {
        var cache = TokenCache(capacity: 4)
        weak var first: Principal?
        do {
            let kept = principal()
            first = kept
            cache.insert(kept, for: key(cache, "first"), generation: 1)
        }
        #expect(first != nil)
        for number in 0..<8 { cache.insert(principal(), for: key(cache, "token \(number)"), generation: 1) }
        #expect(first == nil)
        let count = cache.count
        #expect(count == 4)
    }

    @Test func theSameTokenIsKeptOnce() {
        var cache = TokenCache(capacity: 4)
        let key = key(cache, "token")
        for _ in 0..<3 { cache.insert(principal(), for: key, generation: 1) }
        let count = cache.count
        #expect(count == 1)
    }

    /// What one cache calls a token is of no use to another.
    @Test func keysAreOfOneCacheAlone() {
        let one = TokenCache()
        var other = TokenCache()
        other.insert(principal(), for: key(one, "token"), generation: 1)
        let found = other.principal(for: key(other, "token"), generation: 1, nowSeconds: 0)
        #expect(found == nil)
    }
}
