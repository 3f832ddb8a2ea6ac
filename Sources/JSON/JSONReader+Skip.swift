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
        let kind = try nextKind()
        let start = position
        let outerDepth = nesting.depth
        var next: JSONKind? = kind
        // One turn a value; a container's values take their own turns, so that no depth needs recursion.
        while let kind = next {
            switch kind {
            case .object: try open(object: true)
            case .array: try open(object: false)
            case .string: position = try bytes.scanString(from: position &+ 1).end &+ 1
            case .number: position = try bytes.scanNumber(from: position)
            case .true: position = try bytes.scanLiteral(.true, from: position)
            case .false: position = try bytes.scanLiteral(.false, from: position)
            case .null: position = try bytes.scanLiteral(.null, from: position)
            }
            next = try nextKind(above: outerDepth)
        }
        return start..<position
    }

    /// What value comes next inside the containers opened above `outerDepth`; nothing once they are closed.
    @inline(__always)
    @_lifetime(self: copy self)
    private mutating func nextKind(above outerDepth: Int) throws(JSONError) -> JSONKind? {
        while nesting.depth > outerDepth {
            if nesting.isInObject {
                guard try hasNext(UInt8(ascii: "}"), orElse: .commaOrEndOfObject) else { continue }
                _ = try scanKey()
                return try nextKind()
            }
            if try hasNext(UInt8(ascii: "]"), orElse: .commaOrEndOfArray) { return try nextKind() }
        }
        return nil
    }
}
