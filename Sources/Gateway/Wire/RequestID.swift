import Arenas
import JSON

/// What a request is called, for whoever compares the logs of several programs: `X-Request-Id`, in and out.
///
/// A client's own name is given back where it is a sane one. A reply that is a problem has a name in any case, and so has
/// what the log of requests shows.
struct RequestIDs {
    static let maximumBytes = 128

    /// Random for each process and loop, so that names of several are told apart.
    private let prefix = UInt64.random(in: 0 ... .max)
    private var count: UInt64 = 0

    /// Whether a client's name may be given back and logged: letters, digits and a few signs, 128 at most.
    static func isSane(_ text: Span<UInt8>) -> Bool {
        guard (1...maximumBytes).contains(text.count) else { return false }
        for index in text.indices {
            switch text[index] {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                continue
            case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: ":"), UInt8(ascii: "+"),
                UInt8(ascii: "/"), UInt8(ascii: "="), UInt8(ascii: "@"):
                continue
            default: return false
            }
        }
        return true
    }

    /// Writes a name that no other request has: sixteen hex digits, a hyphen, a number.
    mutating func writeNext(to output: inout OutputBuffer) {
        for shift in stride(from: 60, through: 0, by: -4) {
            let digit = UInt8(truncatingIfNeeded: prefix >> UInt64(shift) & 15)
            output.append(digit < 10 ? digit + 48 : digit + 87)
        }
        count += 1
        output.append("-")
        JSONWriter.appendInteger(count, to: &output)
    }
}
