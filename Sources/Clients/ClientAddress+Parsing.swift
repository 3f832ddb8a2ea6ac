extension ClientAddress {
    /// Most bytes an address takes as text: six groups and an embedded IPv4 address, `0000:…:255.255.255.255`.
    public static let maximumTextByteCount = 45

    /// Reads an address alone: IPv4 in four decimal numbers without leading zeros, which some read as octal, or IPv6
    /// (RFC 4291, section 2.2); nil where it is neither. Zone identifiers are refused: they mean something on the
    /// machine that wrote them only.
    public init?(parsing text: Span<UInt8>) {
        guard text.count <= Self.maximumTextByteCount else { return nil }
        if let ipv4 = Self.ipv4(text, 0..<text.count) {
            self.init(ipv4: ipv4)
        } else if let (high, low) = Self.ipv6(text, 0..<text.count) {
            self.init(high: high, low: low)
        } else {
            return nil
        }
    }

    /// Reads an element of `X-Forwarded-For`, or a node of `Forwarded` (RFC 7239, section 6): an address alone,
    /// `192.0.2.1:80`, `[2001:db8::1]` or `[2001:db8::1]:80`, quoted or not; nil for anything else, `unknown` and
    /// obfuscated names among it. The port is checked and dropped.
    public init?(parsingForwarded text: Span<UInt8>) {
        var range = 0..<text.count
        if range.count >= 2, text[0] == UInt8(ascii: "\""), text[range.upperBound - 1] == UInt8(ascii: "\"") {
            range = 1..<range.upperBound - 1
        }
        // An address, its brackets, a colon and five digits.
        guard !range.isEmpty, range.count <= Self.maximumTextByteCount + 8 else { return nil }
        if text[range.lowerBound] == UInt8(ascii: "[") {
            guard let close = Self.first(UInt8(ascii: "]"), text, range),
                Self.isPortSuffix(text, close + 1..<range.upperBound),
                let (high, low) = Self.ipv6(text, range.lowerBound + 1..<close)
            else { return nil }
            self.init(high: high, low: low)
            return
        }
        if let colon = Self.first(UInt8(ascii: ":"), text, range), let ipv4 = Self.ipv4(text, range.lowerBound..<colon)
        {
            guard Self.isPortSuffix(text, colon..<range.upperBound) else { return nil }
            self.init(ipv4: ipv4)
            return
        }
        self.init(parsing: text.extracting(range))
    }

    private static func first(_ byte: UInt8, _ text: Span<UInt8>, _ range: Range<Int>) -> Int? {
        for index in range where text[index] == byte { return index }
        return nil
    }

    /// Whether the range is empty or a colon and a port.
    private static func isPortSuffix(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard !range.isEmpty else { return true }
        guard text[range.lowerBound] == UInt8(ascii: ":"), (2...6).contains(range.count) else { return false }
        var port = 0
        for index in range.dropFirst() {
            guard let digit = decimal(text[index]) else { return false }
            port = port * 10 + digit
        }
        return port <= 65_535
    }

    static func decimal(_ byte: UInt8) -> Int? {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") ? Int(byte - UInt8(ascii: "0")) : nil
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt16? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt16(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt16(byte - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt16(byte - UInt8(ascii: "A")) + 10
        default: nil
        }
    }

    /// Four decimal numbers, at most 255, joined by dots.
    private static func ipv4(_ text: Span<UInt8>, _ range: Range<Int>) -> UInt32? {
        guard (7...15).contains(range.count) else { return nil }
        var address: UInt32 = 0
        var octet = 0
        var digits = 0
        var dots = 0
        for index in range {
            if text[index] == UInt8(ascii: ".") {
                guard digits > 0, dots < 3 else { return nil }
                address = address << 8 | UInt32(octet)
                octet = 0
                digits = 0
                dots += 1
            } else {
                guard let digit = decimal(text[index]), digits == 0 || octet > 0 else { return nil }
                octet = octet * 10 + digit
                digits += 1
                guard octet <= 255 else { return nil }
            }
        }
        return dots == 3 && digits > 0 ? address << 8 | UInt32(octet) : nil
    }

    /// Eight groups of up to four hexadecimal digits joined by colons; the last two may be an IPv4 address, and `::`
    /// stands, once, for one group of zero or more.
    private static func ipv6(_ text: Span<UInt8>, _ range: Range<Int>) -> (high: UInt64, low: UInt64)? {
        var groups = InlineArray<8, UInt16>(repeating: 0)
        var count = 0
        var gap: Int?
        var index = range.lowerBound
        let end = range.upperBound
        guard range.count >= 2 else { return nil }
        if text[index] == UInt8(ascii: ":") {
            guard text[index + 1] == UInt8(ascii: ":") else { return nil }
            gap = 0
            index += 2
        }
        while index < end {
            guard count < 8 else { return nil }
            let start = index
            var group: UInt16 = 0
            while index < end, index - start < 5, let digit = hexadecimal(text[index]) {
                group = group << 4 | digit
                index += 1
            }
            if index < end, text[index] == UInt8(ascii: ".") {
                guard count <= 6, let ipv4 = ipv4(text, start..<end) else { return nil }
                groups[count] = UInt16(ipv4 >> 16)
                groups[count + 1] = UInt16(truncatingIfNeeded: ipv4)
                count += 2
                index = end
                break
            }
            guard (1...4).contains(index - start) else { return nil }
            groups[count] = group
            count += 1
            guard index < end else { break }
            guard text[index] == UInt8(ascii: ":"), index + 1 < end else { return nil }
            index += 1
            if text[index] == UInt8(ascii: ":") {
                guard gap == nil else { return nil }
                gap = count
                index += 1
            }
        }
        guard gap == nil ? count == 8 : count < 8 else { return nil }
        return words(groups, count, gap ?? count)
    }

    /// The groups as two words, those from `gap` on moved to the end.
    private static func words(
        _ groups: borrowing InlineArray<8, UInt16>, _ count: Int, _ gap: Int
    ) -> (high: UInt64, low: UInt64) {
        var high: UInt64 = 0
        var low: UInt64 = 0
        let moved = 8 - count
        for place in 0..<8 {
            let group: UInt16 =
                if place < gap { groups[place] } else if place < gap + moved { 0 } else { groups[place - moved] }
            if place < 4 { high = high << 16 | UInt64(group) } else { low = low << 16 | UInt64(group) }
        }
        return (high, low)
    }
}
