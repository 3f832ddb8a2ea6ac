import Arenas

/// Which topics one wildcard read already matched: a small direct-mapped memory, so that a run of messages of the
/// same topics matches each name once.
package struct PatternVerdicts {
    private static let places = 64
    private var topics = InlineArray<64, UInt32>(repeating: .max)
    private var verdicts: UInt64 = 0

    package init() {}

    subscript(id: TopicID) -> Bool? {
        get {
            let place = Int(id.rawValue) & (Self.places - 1)
            return topics[place] == id.rawValue ? verdicts >> UInt64(place) & 1 == 1 : nil
        }
        set {
            let place = Int(id.rawValue) & (Self.places - 1)
            topics[place] = id.rawValue
            verdicts &= ~(1 << UInt64(place))
            if newValue == true { verdicts |= 1 << UInt64(place) }
        }
    }
}
