extension Span where Element == UInt8 {
    /// Checks the number at `start`, where a minus sign or a digit stands, and returns the offset behind it.
    /// (RFC 8259, section 6)
    func scanNumber(from start: Int) throws(JSONError) -> Int {
        var offset = try scanInteger(from: start)
        if offset < count, self[offset] == UInt8(ascii: ".") {
            offset = try scanDigits(from: offset &+ 1)
        }
        if offset < count, self[offset] | 0x20 == UInt8(ascii: "e") {
            offset &+= 1
            if offset < count, self[offset] == UInt8(ascii: "+") || self[offset] == UInt8(ascii: "-") { offset &+= 1 }
            offset = try scanDigits(from: offset)
        }
        return offset
    }

    /// Checks the integer part of the number at `start` and returns the offset behind it.
    func scanInteger(from start: Int) throws(JSONError) -> Int {
        let first = self[start] == UInt8(ascii: "-") ? start &+ 1 : start
        guard first < count, self[first] == UInt8(ascii: "0") else { return try scanDigits(from: first) }
        if first &+ 1 < count, self[first &+ 1].isDigit { throw .expected(.noLeadingZero, at: first &+ 1) }
        return first &+ 1
    }

    /// Checks that at least one digit stands at `start` and returns the offset behind the last.
    private func scanDigits(from start: Int) throws(JSONError) -> Int {
        var offset = start
        while offset < count, self[offset].isDigit { offset &+= 1 }
        guard offset > start else { throw .expected(.digit, at: start) }
        return offset
    }
}

extension UInt8 {
    @inline(__always)
    var isDigit: Bool { self &- UInt8(ascii: "0") < 10 }
}
