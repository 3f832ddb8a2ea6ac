/// A number a sample can have.
public protocol MetricValue {
    /// Appends the number as the exposition format wants it: exact, and as short as that allows.
    func appendMetricText(to bytes: inout [UInt8])
}

extension MetricValue where Self: FixedWidthInteger {
    public func appendMetricText(to bytes: inout [UInt8]) {
        if self < 0 { bytes.append(UInt8(ascii: "-")) }
        bytes.appendDecimal(UInt64(magnitude))
    }
}

extension Int: MetricValue {}
extension Int32: MetricValue {}
extension Int64: MetricValue {}
extension UInt: MetricValue {}
extension UInt32: MetricValue {}
extension UInt64: MetricValue {}

extension Double: MetricValue {
    /// The shortest text that reads back as the same number, without a needless `.0`; `+Inf`, `-Inf` or `NaN`.
    public func appendMetricText(to bytes: inout [UInt8]) {
        if isNaN { return bytes.append("NaN" as StaticString) }
        if isInfinite { return bytes.append(self < 0 ? "-Inf" : "+Inf" as StaticString) }
        let text = description
        bytes.append(contentsOf: text.hasSuffix(".0") ? text.utf8.dropLast(2) : text.utf8[...])
    }
}
