import Glibc

/// A small seeded generator (splitmix64), so that a printed seed repeats a run.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    let seed: UInt64

    init(seed: UInt64) {
        self.seed = seed
        state = seed
    }

    /// A new seed each run, unless `POSTERN_TEST_SEED` names one. Prints it under the test's name.
    init(for test: String) {
        var chosen: UInt64?
        if let value = unsafe getenv("POSTERN_TEST_SEED") { chosen = UInt64(unsafe String(cString: value)) }
        self.init(seed: chosen ?? UInt64.random(in: 0...UInt64.max))
        print("\(test): POSTERN_TEST_SEED=\(seed)")
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }
}
