@testable import Access

extension String {
    /// The text's bytes, for the length of a test's statement.
    var bytes: [UInt8] { Array(utf8) }
}

/// A list of patterns; traps where one is none.
func patterns(_ text: String) -> PatternList {
    guard let list = try? PatternList(parsing: text.bytes.span) else { preconditionFailure("no patterns: \(text)") }
    return list
}

/// A generator that replays from its seed.
struct SeededGenerator: RandomNumberGenerator {
    let seed: UInt64
    private var state: UInt64

    init(seed: UInt64 = .random(in: 0 ... .max)) {
        self.seed = seed
        state = seed
    }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
