/// Makes documents: valid ones from the grammar, and broken ones from those.
struct DocumentGenerator {
    var random: SeededGenerator

    /// One valid document with white space around and within it.
    mutating func document() -> [UInt8] {
        var bytes: [UInt8] = []
        appendValue(depth: 0, to: &bytes)
        return bytes
    }

    /// `document` with one to three small faults, most of which break it.
    mutating func mutated(_ document: [UInt8]) -> [UInt8] {
        var bytes = document
        for _ in 0...random.below(3) where !bytes.isEmpty {
            let place = random.below(bytes.count)
            switch random.below(6) {
            case 0: bytes[place] ^= 1 << UInt8(random.below(8))
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(interestingByte(), at: place)
            case 3: bytes[place] = interestingByte()
            case 4: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.below(8)))
            default:
                let slice = bytes[place..<min(bytes.count, place + 1 + random.below(12))]
                bytes.insert(contentsOf: Array(slice), at: random.below(bytes.count + 1))
            }
        }
        return bytes
    }

    /// Any text, as UTF-8: control characters, quotes and all planes included.
    mutating func text() -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<random.below(40) {
            switch random.below(4) {
            case 0: bytes.append(UInt8(random.below(0x80)))
            case 1: bytes += Array("a plain run of text".utf8.prefix(random.below(20)))
            case 2: bytes.append(random.pick([0x22, 0x5C, 0x0A, 0x00, 0x1F, 0x7F, 0x2F]))
            default: bytes += scalar()
            }
        }
        return bytes
    }

    private mutating func interestingByte() -> UInt8 {
        random.pick(
            Array("{}[]\",:\\u0-+.eEtfn/ \n\tdDcC8".utf8) + [
                0, 0x1F, 0x7F, 0x80, 0xBF, 0xC2, 0xE0, 0xED, 0xF0, 0xF4, 0xFF,
            ])
    }

    private mutating func scalar() -> [UInt8] {
        let ranges: [ClosedRange<UInt32>] = [0x80...0x7FF, 0x800...0xD7FF, 0xE000...0xFFFF, 0x1_0000...0x10_FFFF]
        let range = random.pick(ranges)
        guard let scalar = Unicode.Scalar(UInt32.random(in: range, using: &random)) else { return [] }
        return Array(String(Character(scalar)).utf8)
    }

    private mutating func appendValue(depth: Int, to bytes: inout [UInt8]) {
        appendWhiteSpace(to: &bytes)
        // Mostly containers at the top, so that a document says something; none at the bottom, so that it ends.
        switch depth == 0 ? 5 + random.below(5) : random.below(depth < 6 ? 10 : 6) {
        case 0: bytes += Array(random.pick(["true", "false", "null"]).utf8)
        case 1, 2: appendNumber(to: &bytes)
        case 3, 4, 5: appendString(to: &bytes)
        case 6, 7:
            bytes.append(UInt8(ascii: "["))
            for index in 0..<random.below(5) {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                appendValue(depth: depth + 1, to: &bytes)
            }
            appendWhiteSpace(to: &bytes)
            bytes.append(UInt8(ascii: "]"))
        default:
            bytes.append(UInt8(ascii: "{"))
            for index in 0..<random.below(5) {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                appendWhiteSpace(to: &bytes)
                appendString(to: &bytes)
                appendWhiteSpace(to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                appendValue(depth: depth + 1, to: &bytes)
            }
            appendWhiteSpace(to: &bytes)
            bytes.append(UInt8(ascii: "}"))
        }
        appendWhiteSpace(to: &bytes)
    }

    private mutating func appendWhiteSpace(to bytes: inout [UInt8]) {
        guard random.below(4) == 0 else { return }
        for _ in 0...random.below(3) { bytes.append(random.pick([0x20, 0x09, 0x0A, 0x0D])) }
    }

    private mutating func appendNumber(to bytes: inout [UInt8]) {
        if random.below(3) == 0 { bytes.append(UInt8(ascii: "-")) }
        func appendDigits(_ count: Int, to bytes: inout [UInt8]) {
            for _ in 0..<count { bytes.append(UInt8(ascii: "0") + UInt8(random.below(10))) }
        }
        if random.below(4) == 0 {
            bytes.append(UInt8(ascii: "0"))
        } else {
            bytes.append(UInt8(ascii: "1") + UInt8(random.below(9)))
            appendDigits(random.pick([0, 0, 1, 3, 8, 17, 18, 19, 20]), to: &bytes)
        }
        if random.below(3) == 0 {
            bytes.append(UInt8(ascii: "."))
            appendDigits(1 + random.pick([0, 1, 5, 16, 25]), to: &bytes)
        }
        if random.below(3) == 0 {
            bytes += Array(random.pick(["e", "E", "e+", "E-", "e-"]).utf8)
            appendDigits(1 + random.pick([0, 0, 1, 1, 2]), to: &bytes)
        }
    }

    private mutating func appendString(to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        for _ in 0..<random.below(6) {
            switch random.below(6) {
            case 0: bytes += scalar()
            case 1: bytes += Array(random.pick([#"\""#, #"\\"#, #"\/"#, #"\b"#, #"\f"#, #"\n"#, #"\r"#, #"\t"#]).utf8)
            case 2: appendEscapedUnits(to: &bytes)
            case 3: bytes.append(UInt8(0x23 + random.below(0x5C - 0x23)))
            default: bytes += Array("plain text of some length, beyond a block of 32".utf8.prefix(1 + random.below(47)))
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func appendEscapedUnits(to bytes: inout [UInt8]) {
        var units = [UInt16(truncatingIfNeeded: random.below(0x1_0000))]
        if units[0] & 0xF800 == 0xD800 || random.below(3) == 0 {
            units = [0xD800 | UInt16(random.below(0x400)), 0xDC00 | UInt16(random.below(0x400))]
        }
        for unit in units {
            let digits = String(unit, radix: 16, uppercase: random.below(2) == 0)
            bytes += Array(("\\u" + String(repeating: "0", count: 4 - digits.count) + digits).utf8)
        }
    }
}
