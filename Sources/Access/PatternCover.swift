/// Whether one pattern selects all that another selects.
enum PatternCover {
    /// Whether every topic that `wanted` matches is matched by `granted`; both are valid single patterns.
    ///
    /// Token by token: a last `**` holds whatever follows, as long as something does; `*` holds any one token or a `*`;
    /// a name holds itself. A `**` that is wanted is held by a `**` alone.
    static func covers(_ granted: Span<UInt8>, _ wanted: Span<UInt8>) -> Bool {
        var grantedStart = 0
        var wantedStart = 0
        // A token is never empty, so that a start behind the end means that there are no more.
        while grantedStart < granted.count, wantedStart < wanted.count {
            let grantedToken = granted.token(from: grantedStart)
            if grantedToken.isRest { return true }
            let wantedToken = wanted.token(from: wantedStart)
            if wantedToken.isRest { return false }
            guard grantedToken.isAny || areSame(grantedToken, wantedToken) else { return false }
            grantedStart += grantedToken.count + 1
            wantedStart += wantedToken.count + 1
        }
        return grantedStart >= granted.count && wantedStart >= wanted.count
    }

    private static func areSame(_ one: Span<UInt8>, _ other: Span<UInt8>) -> Bool {
        guard one.count == other.count else { return false }
        for index in one.indices where one[index] != other[index] { return false }
        return true
    }
}

extension Span<UInt8> {
    /// The token that begins at `start`.
    @_lifetime(copy self)
    fileprivate func token(from start: Int) -> Span<UInt8> {
        var end = start
        while end < count, self[end] != UInt8(ascii: ".") { end += 1 }
        return extracting(start..<end)
    }

    /// Whether the token is `*`.
    fileprivate var isAny: Bool { count == 1 && self[0] == UInt8(ascii: "*") }
    /// Whether the token is `**`.
    fileprivate var isRest: Bool { count == 2 && self[0] == UInt8(ascii: "*") && self[1] == UInt8(ascii: "*") }
}
