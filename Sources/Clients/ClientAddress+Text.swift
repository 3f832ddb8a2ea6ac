import Arenas

extension ClientAddress {
    /// Appends the address as RFC 5952 has it: lower case, no leading zeros, `::` for the first of the longest runs of
    /// two zero groups or more. An IPv4 address is written as one, mapped or not.
    public func write(to output: inout OutputBuffer) {
        if isIPv4 {
            for index in 0..<4 {
                if index > 0 { output.append(".") }
                output.appendDecimal(low >> UInt64(24 - 8 * index) & 0xFF)
            }
            return
        }
        let zeros = longestZeros
        var index = 0
        while index < 8 {
            if index == zeros.lowerBound, zeros.count > 1 {
                output.append("::")
                index = zeros.upperBound
                continue
            }
            if index > 0, !(zeros.count > 1 && index == zeros.upperBound) { output.append(":") }
            Self.appendHexadecimal(group(index), to: &output)
            index += 1
        }
    }

    /// The first of the longest runs of zero groups.
    private var longestZeros: Range<Int> {
        var longest = 0..<0
        var start = 0
        for index in 0..<8 {
            if group(index) != 0 {
                start = index + 1
            } else if index + 1 - start > longest.count {
                longest = start..<index + 1
            }
        }
        return longest
    }

    private static func appendHexadecimal(_ group: UInt16, to output: inout OutputBuffer) {
        var isLeading = true
        for index in 0..<4 {
            let digit = UInt8(truncatingIfNeeded: group >> UInt16(12 - 4 * index) & 15)
            if digit == 0, isLeading, index < 3 { continue }
            isLeading = false
            output.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }
}

extension OutputBuffer {
    /// Appends the number's decimal digits.
    mutating func appendDecimal(_ number: UInt64) {
        var divisor: UInt64 = 1
        while number / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / divisor % 10))
            divisor /= 10
        }
    }
}
