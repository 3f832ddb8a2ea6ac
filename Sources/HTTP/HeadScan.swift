// unsafe: this file, and no other of the module, reads memory without a bounds check at each byte: sixteen at a time,
// once the sixteen were seen to be in the span.

extension Span<UInt8> {
    /// The first byte from `start` on that is a control character; `count` where there is none. Finds the line's end
    /// and whatever may not stand before it in one go.
    @inline(__always)
    func firstControl(from start: Int) -> Int {
        var offset = start
        unsafe withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            let limit = SIMD16<UInt8>(repeating: 0x20)
            let delete = SIMD16<UInt8>(repeating: 0x7F)
            while offset &+ 16 <= buffer.count {
                let block = unsafe base.loadUnaligned(fromByteOffset: offset, as: SIMD16<UInt8>.self)
                let found = (block .< limit) .| (block .== delete)
                if any(found) { break }
                offset &+= 16
            }
        }
        while offset < count {
            let byte = self[offset]
            if byte < 0x20 || byte == 0x7F { return offset }
            offset &+= 1
        }
        return count
    }

    /// The first line feed from `start` on; nil where there is none.
    func firstLineFeed(from start: Int) -> Int? {
        var offset = start
        while offset < count {
            if self[offset] == 0x0A { return offset }
            offset &+= 1
        }
        return nil
    }
}
