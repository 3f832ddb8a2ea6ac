extension MetricsText {
    /// From the integers a histogram observes to the base unit it is shown in: a division by a power of ten.
    ///
    /// Not a factor such as `1e-9`, which no `Double` holds exactly: a division by 1e9 rounds once, so that 25 µs are
    /// shown as `2.5e-05`.
    public struct Scale: Sendable, Equatable {
        /// Decimal places of the base unit that one observed unit is worth.
        let decimalPlaces: Int
        let divisor: Double

        private init(decimalPlaces: Int, divisor: Double) {
            self.decimalPlaces = decimalPlaces
            self.divisor = divisor
        }

        /// Shown as observed: bytes.
        public static let one = Scale(decimalPlaces: 0, divisor: 1)
        /// Observed in nanoseconds, shown in seconds.
        public static let nanosecondsAsSeconds = Scale(decimalPlaces: 9, divisor: 1e9)
        /// Observed in microseconds, shown in seconds.
        public static let microsecondsAsSeconds = Scale(decimalPlaces: 6, divisor: 1e6)

        /// Appends `value` in the base unit, to the last digit: a sum outgrows what a `Double` holds exactly.
        func appendScaled(_ value: UInt64, to bytes: inout [UInt8]) {
            var unit: UInt64 = 1
            for _ in 0..<decimalPlaces { unit *= 10 }
            bytes.appendDecimal(value / unit)
            var fraction = value % unit
            if fraction == 0 { return }
            var digits = decimalPlaces
            while fraction % 10 == 0 {
                fraction /= 10
                digits -= 1
            }
            bytes.append(UInt8(ascii: "."))
            bytes.appendDecimal(fraction, digits: digits)
        }
    }
}
