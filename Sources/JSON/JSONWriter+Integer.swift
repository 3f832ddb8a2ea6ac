import Arenas

extension JSONWriter {
    /// Appends `value` in decimal; of any integer type up to 64 bits.
    @inlinable
    @_lifetime(sink: copy sink)
    public static func appendInteger<Value: FixedWidthInteger, Sink: ByteSink & ~Copyable & ~Escapable>(
        _ value: Value, to sink: inout Sink
    ) {
        precondition(Value.bitWidth <= 64)
        if value < 0 { sink.append(UInt8(ascii: "-")) }
        let digits = DecimalDigits(UInt64(value.magnitude))
        sink.append(contentsOf: digits.bytes.span.extracting(digits.start..<DecimalDigits.maximumCount))
    }
}

/// The digits of a number, at the end of a small fixed array.
@usableFromInline
struct DecimalDigits {
    /// Digits of 2^64 - 1.
    @usableFromInline static let maximumCount = 20

    @usableFromInline var bytes: InlineArray<20, UInt8>
    @usableFromInline var start: Int

    @usableFromInline
    init(_ value: UInt64) {
        bytes = InlineArray(repeating: UInt8(ascii: "0"))
        start = DecimalDigits.maximumCount
        var rest = value
        repeat {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            start &-= 1
            bytes[start] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: digit)
            rest = quotient
        } while rest != 0
    }
}
