/// Cuts bytes that come in pieces into lines.
public struct LineSplitter {
    private var rest: [UInt8] = []

    public init() {}

    /// Takes the next piece.
    /// - Parameter body: called with each line that is complete, without its end; false leaves what follows for nobody.
    /// - Returns: false where `body` did.
    public mutating func take(_ piece: Span<UInt8>, _ body: ([UInt8]) -> Bool) -> Bool {
        for index in piece.indices {
            guard piece[index] == UInt8(ascii: "\n") else {
                rest.append(piece[index])
                continue
            }
            let line = rest
            rest.removeAll(keepingCapacity: true)
            guard body(line) else { return false }
        }
        return true
    }

    /// What stands behind the last line's end, as a line of its own; empty where there is nothing.
    public mutating func takeRest() -> [UInt8] {
        defer { rest.removeAll() }
        return rest
    }
}
