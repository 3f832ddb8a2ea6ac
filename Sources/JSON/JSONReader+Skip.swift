extension JSONReader {
    /// Checks one whole document and returns the range of its value, without the white space around it.
    /// - Parameter depthLimit: levels of arrays and objects allowed, 1 to `maximumDepthLimit`; traps outside.
    public static func validate(
        _ bytes: Span<UInt8>, depthLimit: Int = JSONReader.defaultDepthLimit
    ) throws(JSONError) -> Range<Int> {
        var reader = JSONReader(bytes, depthLimit: depthLimit)
        let range = try reader.skipValue()
        try reader.finish()
        return range
    }

    /// Checks the next value whole, whatever it is, and returns where it stands, to be passed through as written.
    @_lifetime(self: copy self)
    public mutating func skipValue() throws(JSONError) -> Range<Int> {
        let start = bytes.skipWhiteSpace(from: position)
        position = try bytes.scanValue(from: start, in: &nesting)
        return start..<position
    }
}
