/// What a JSON value is, as told by its first byte.
public enum JSONKind: UInt8, Equatable, Sendable {
    case object, array, string, number, `true`, `false`, null

    /// The kind of value that begins with `byte`, if one does.
    @inline(__always)
    init?(firstByte byte: UInt8) {
        switch byte {
        case UInt8(ascii: "{"): self = .object
        case UInt8(ascii: "["): self = .array
        case UInt8(ascii: "\""): self = .string
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): self = .number
        case UInt8(ascii: "t"): self = .true
        case UInt8(ascii: "f"): self = .false
        case UInt8(ascii: "n"): self = .null
        default: return nil
        }
    }
}
